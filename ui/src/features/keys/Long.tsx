import { CopyText } from "../../parts/CopyText";
import css from "./keys.module.css";

/** As much of it as has room, and a button that copies all of it. */
export const Long = ({ of, what }: { of: string; what: string }) => (
  <span className={css.long}>
    <span className="mono cut" title={of}>
      {of}
    </span>
    <CopyText text={of} what={what} />
  </span>
);

/** The beginning of a fingerprint, which tells it from others. */
export const Fingerprint = ({ of }: { of: string }) => (
  <span className={css.long}>
    <span className="mono" title={of}>
      {of.slice(0, 16)}…
    </span>
    <CopyText text={of} what="fingerprint" />
  </span>
);
