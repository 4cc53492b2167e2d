import { cutName } from "../logic/format";

/** The name of an item among other things; a long one leaves them their room, and is whole under the mouse and by ear. */
export function Name({ of }: { of: string }) {
  const short = cutName(of);
  if (short === of) return of;
  return (
    <span title={of}>
      <span aria-hidden="true">{short}</span>
      <span className="hidden">{of}</span>
    </span>
  );
}
