import type { Schemas } from "../../api/client";
import { plural } from "../../logic/format";
import { parsed } from "../editor/text";
import { shortened } from "./passages";
import css from "./samples.module.css";

/** A format that was found: what it is, what is not read with it, its fields. */
export function Found({ of }: { of: Schemas["InferredFormat"] }) {
  const { spec } = parsed(of.text).value as { spec: Record<string, unknown> };
  const told = Object.entries(spec).filter(([key]) => key !== "schema");
  return (
    <>
      <p role="status">
        <strong>
          {told.map(([key, it]) => (key === "type" ? it : `${key} ${it}`)).join(", ")}
        </strong>
        : {plural(of.records, "record")}, {plural(of.fields.length, "field")}
        {of.bad > 0 && (
          <span data-tone="err" className={css.bad}>
            {" "}
            ✗ {plural(of.bad, "record")} not read
          </span>
        )}
      </p>
      {of.reasons.map((it) => (
        <p key={it} className={css.failure}>
          {shortened(it, 500)}
        </p>
      ))}
      <table className={css.fields}>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">What is to be known</th>
          </tr>
        </thead>
        <tbody>
          {of.fields.map((it) => (
            <tr key={it.path}>
              <th scope="row">
                <code>{it.path}</code>
              </th>
              <td>
                <code>{it.type}</code>
              </td>
              <td className="muted">
                {it.notes.join("; ") || (it.optional && "missing in some records")}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
