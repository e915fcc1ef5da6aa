"""
Fits Prophet or SARIMAX on a series given as JSON on stdin: {family, start, values, steps, cpuSeconds, order, seasonal}. CPU seconds of the fit and the
forecast; no forecast when it was not done within cpuSeconds.
"""
import json
import logging
import os
import signal
import sys
import time
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
request = json.load(sys.stdin)
values = [float("nan") if v is None else v for v in request["values"]]
import numpy as np  # noqa: E402

if request["family"] == "prophet":
    import pandas as pd
    from prophet import Prophet

    times = pd.date_range(pd.Timestamp(request["start"], unit="h"), periods=len(values) + request["steps"], freq="h")
    frame = pd.DataFrame({"ds": times[: len(values)], "y": values}).dropna()
    model = Prophet()
    begun = time.process_time()
    model.fit(frame)
    # cmdstan computes in a child process.
    import resource

    seconds = time.process_time() - begun + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    mean = model.predict(pd.DataFrame({"ds": times[len(values) :]}))["yhat"].to_numpy()
else:
    from statsmodels.tsa.statespace.sarimax import SARIMAX



    def give_up(signum, frame):
        json.dump({"seconds": request["cpuSeconds"], "mean": None}, sys.stdout)
        sys.stdout.flush()
        os._exit(0)

    # Threads of the linear algebra count as well.
    signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, request["cpuSeconds"])
    begun = time.process_time()
    model = SARIMAX(np.array(values), order=request["order"], seasonal_order=request["seasonal"])
    fitted = model.fit(disp=0)
    seconds = time.process_time() - begun
    mean = fitted.forecast(request["steps"])
    signal.setitimer(signal.ITIMER_PROF, 0)
json.dump({"seconds": seconds, "mean": [float(v) for v in mean]}, sys.stdout)
