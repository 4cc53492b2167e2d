import type { Alarm } from "../../logic/alarms";
import { Ago } from "../../parts/When";

/** Who has seen it, when, and what they said. */
export const ConfirmedBy = ({
  of: { by, at, note },
}: {
  of: NonNullable<Alarm["confirmation"]>;
}) => (
  <span title={note ?? undefined}>
    {by}, <Ago at={at} />
    {note && `: ${note}`}
  </span>
);
