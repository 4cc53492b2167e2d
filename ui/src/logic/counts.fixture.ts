// For tests: the counts of a stage that nothing came to.
import type { Schemas } from "../api/client";

export const NO_COUNTS: Schemas["Stage"]["counts"] = {
  recordsIn: 0,
  recordsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  deadLetters: 0,
  ignored: 0,
  dropped: 0,
};
