// Kafka Streams: the window in its state store (RocksDB with a changelog topic), at least once; PEER_STORE_CACHE=true puts its cache before
// the store. Run from source: java -cp 'jars/*' FeatureStreams.java
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class FeatureStreams {
  static final int HOURS = 48;
  static final int COLUMNS = 8;
  static final int[] LAGS = {0, 1, 3, 6, 12, 24, 47};
  static final long HOUR_MS = 3_600_000L;
  static final float WET_MM = 0.1f;

  public static void main(String[] args) {
    var env = System.getenv();
    var cached = Boolean.parseBoolean(env.get("PEER_STORE_CACHE"));
    var settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, env.get("PEER_GROUP"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, env.get("KAFKA_BROKERS"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, env.get("PEER_STATE_DIR"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    settings.put(StreamsConfig.producerPrefix("acks"), "all");
    var store = Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("window"), Serdes.String(), Serdes.ByteArray());
    var builder = new StreamsBuilder();
    builder.addStateStore(cached ? store.withCachingEnabled() : store.withCachingDisabled());
    builder.stream(env.get("PEER_SOURCE"), Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .process(Step::new, "window")
        .to(env.get("PEER_TARGET"), Produced.with(Serdes.String(), Serdes.ByteArray()));
    var streams = new KafkaStreams(builder.build(), settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  /** Takes an observation into its station's window and gives the features of that window's newest hour. */
  static final class Step implements Processor<String, byte[], String, byte[]> {
    private final ObjectMapper json = new ObjectMapper();
    private final JsonFactory factory = json.getFactory();
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> store;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.store = context.getStateStore("window");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      try {
        var observation = json.readTree(record.value());
        var station = observation.get("stationId").asText();
        var hour = Math.floorDiv(observation.get("observedAt").asLong() + HOUR_MS / 2, HOUR_MS);
        var values = new float[HOURS * COLUMNS];
        var newest = restore(store.get(station), values);
        if (hour > newest) {
          var shift = (int) Math.min(HOURS, hour - newest);
          System.arraycopy(values, shift * COLUMNS, values, 0, (HOURS - shift) * COLUMNS);
          java.util.Arrays.fill(values, (HOURS - shift) * COLUMNS, HOURS * COLUMNS, Float.NaN);
          newest = hour;
        }
        var at = HOURS - 1 - (newest - hour);
        if (at >= 0) fillRow(observation, values, (int) at * COLUMNS);
        store.put(station, bytesOf(newest, values));
        context.forward(record.withValue(body(station, newest, values)));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private static long restore(byte[] stored, float[] values) {
      if (stored == null) {
        java.util.Arrays.fill(values, Float.NaN);
        return 0;
      }
      var buffer = ByteBuffer.wrap(stored);
      var newest = buffer.getLong();
      buffer.asFloatBuffer().get(values);
      return newest;
    }

    private static byte[] bytesOf(long newest, float[] values) {
      var buffer = ByteBuffer.allocate(8 + 4 * values.length);
      buffer.putLong(newest).asFloatBuffer().put(values);
      return buffer.array();
    }

    private static void fillRow(JsonNode observation, float[] values, int from) {
      var speed = number(observation, "windSpeedMps");
      var angle = number(observation, "windDirectionDeg") * Math.PI / 180;
      values[from] = (float) number(observation, "temperatureC");
      values[from + 1] = (float) number(observation, "dewPointC");
      values[from + 2] = (float) number(observation, "relativeHumidityPct");
      values[from + 3] = (float) number(observation, "pressureHpa");
      values[from + 4] = (float) (-speed * Math.sin(angle));
      values[from + 5] = (float) (-speed * Math.cos(angle));
      values[from + 6] = (float) speed;
      values[from + 7] = (float) number(observation, "precipitationMm");
    }

    private static double number(JsonNode observation, String name) {
      var value = observation.get(name);
      return value == null || value.isNull() ? Double.NaN : value.asDouble();
    }

    private byte[] body(String station, long newest, float[] values) throws IOException {
      var bytes = new ByteArrayOutputStream(1024);
      try (var out = factory.createGenerator(bytes)) {
        out.writeStartObject();
        out.writeStringField("stationId", station);
        out.writeNumberField("validAt", newest * HOUR_MS);
        out.writeArrayFieldStart("values");
        for (var column = 0; column < COLUMNS; column++) {
          for (var lag : LAGS) write(out, values[(HOURS - 1 - lag) * COLUMNS + column]);
          double older = 0;
          double newer = 0;
          for (var hour = 0; hour < 24; hour++) older += values[hour * COLUMNS + column];
          for (var hour = 24; hour < HOURS; hour++) newer += values[hour * COLUMNS + column];
          write(out, newer / 24);
          write(out, (older + newer) / 48);
        }
        for (var hours : new int[] {24, 48}) {
          var low = Float.POSITIVE_INFINITY;
          var high = Float.NEGATIVE_INFINITY;
          for (var hour = HOURS - hours; hour < HOURS; hour++) {
            low = Math.min(low, values[hour * COLUMNS]);
            high = Math.max(high, values[hour * COLUMNS]);
          }
          write(out, high - low);
        }
        for (var hours : new int[] {6, 24}) {
          var wet = 0;
          for (var hour = HOURS - hours; hour < HOURS; hour++) if (values[hour * COLUMNS + 7] >= WET_MM) wet++;
          write(out, (double) wet / hours);
        }
        var angle = 2 * Math.PI * (newest % 24) / 24;
        write(out, Math.sin(angle));
        write(out, Math.cos(angle));
        out.writeEndArray();
        out.writeEndObject();
      }
      return bytes.toByteArray();
    }

    private static void write(JsonGenerator out, double value) throws IOException {
      if (Double.isNaN(value)) out.writeNull();
      else out.writeNumber(value);
    }
  }
}
