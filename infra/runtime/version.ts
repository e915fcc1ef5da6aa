/** Of this release, as package.json has it: in the headers of events, in the records of runs, and what `isobar --version` says. */
export const VERSION = '0.1.0'
