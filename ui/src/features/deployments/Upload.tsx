import { Button, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { place } from "../../api/place";
import { type Problem, problemIn, problemOf, Refusal } from "../../api/problem";
import { token } from "../../api/token";
import { bytes, plural } from "../../logic/format";
import { tooLong } from "../../logic/limits";
import { sh } from "../../logic/shell";
import { CopyCli } from "../../parts/Act";
import { Dialog } from "../../parts/Dialog";
import { DropFile } from "../../parts/DropFile";
import { useLimits } from "../../parts/limits";
import { Facts } from "../../parts/Page";
import { ProblemView } from "../../parts/Problem";
import css from "./deployments.module.css";
import { ROOT } from "./tree";

type Uploaded = Schemas["Upload"];

/** The package goes as it is: the typed client would write it as JSON. */
async function send(
  file: File,
  options: { tag: string; base: string; dryRun: boolean },
): Promise<Uploaded> {
  const query = new URLSearchParams({ dryRun: String(options.dryRun) });
  if (options.tag) query.set("tag", options.tag);
  if (options.base) query.set("base", options.base);
  const headers: Record<string, string> = { "content-type": "application/vnd.weir.package" };
  const session = token();
  if (session) headers.authorization = `Bearer ${session}`;
  const response = await fetch(`${place.asked("/api/v1/deployments")}?${query}`, {
    method: "POST",
    headers,
    body: file,
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Refusal(problemOf(body, response.status));
  return body as Uploaded;
}

/** Checks a package first, says what is in it, and stores it then. */
export function Upload({
  files,
  tags,
  onClose,
}: {
  files: File[];
  tags: string[];
  onClose: () => void;
}) {
  const [file, setFile] = useState<File | undefined>(files[0]);
  const [tag, setTag] = useState("");
  const [base, setBase] = useState("");
  const [checked, setChecked] = useState<Uploaded>();
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const limit = useLimits()?.uploadBytes;
  const why = tooLong(file, limit);
  const others = files.filter((it) => file === files[0] && it !== file);
  const run = async (dryRun: boolean) => {
    if (!file) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const uploaded = await send(file, { tag, base, dryRun });
      if (dryRun) setChecked(uploaded);
      else onClose();
    } catch (error) {
      // What was said of it before does not hold for what was refused.
      setChecked(undefined);
      setProblem(problemIn(error));
    } finally {
      setBusy(false);
    }
  };
  const take = (given: File | undefined) => {
    setFile(given);
    setChecked(undefined);
    setProblem(undefined);
  };
  return (
    <Dialog onClose={onClose} title="Upload a package" size="lg">
      <div className={css.upload}>
        <DropFile
          label="Package"
          accept=".weir"
          hint="Drop a package here"
          file={file}
          onFile={take}
        />
        {why ? (
          <p role="alert" data-tone="err" className={css.tooLong}>
            ▲ {why}. Nothing was sent: send it to an engine itself with <code>--server</code>, or
            raise the limit of this server.
          </p>
        ) : (
          limit !== undefined && <p className="muted small">At most {bytes(limit)}</p>
        )}
        <TextInput
          label="Tag"
          description="Empty: the one in the package"
          value={tag}
          onChange={(event) => {
            setTag(event.currentTarget.value);
            setChecked(undefined);
          }}
        />
        <Select
          label="Based on"
          description="Empty: what the package names"
          data={[ROOT, ...tags]}
          value={base || null}
          clearable
          onChange={(it) => {
            setBase(it ?? "");
            setChecked(undefined);
          }}
        />
        {others.length > 0 && (
          <p data-tone="warn">
            One package at a time: {others.map((it) => it.name).join(", ")}{" "}
            {others.length > 1 ? "are" : "is"} left out.
          </p>
        )}
        {problem && <ProblemView problem={problem} />}
        {checked && (
          <Facts
            of={[
              [
                "Tag",
                <span key="t" className="mono">
                  {checked.tag}
                </span>,
              ],
              ["Based on", checked.base],
              [
                "Signed by",
                <span key="s" className="mono">
                  {checked.signer.slice(0, 20)}…
                </span>,
              ],
              [
                "In it",
                `${plural(checked.total.objects, "object")}, ${bytes(checked.total.bytes)}`,
              ],
            ]}
          />
        )}
        <div className="row">
          <CopyCli
            command={sh`weir deployment upload ${file?.name ?? "FILE"} ${tag ? ["--tag", tag] : []} ${base ? ["--base", base] : []}`}
          />
          <div className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          {checked ? (
            <Button variant="filled" disabled={isBusy} onClick={() => void run(false)}>
              Store {checked.tag}
            </Button>
          ) : (
            <Button
              variant="filled"
              disabled={isBusy || !file || why !== undefined}
              onClick={() => void run(true)}
            >
              {isBusy ? "Checking …" : "Check"}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
