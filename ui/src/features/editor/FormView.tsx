import { useMemo } from "react";
import { nameOf, useSession } from "../../app/session";
import type { Asset, Finding } from "../projects/projects";
import { Control } from "./Control";
import { unsavedBeside } from "./draft";
import css from "./editor.module.css";
import { Fields, FormContext, type Forms, FromSample, Part } from "./Form";
import { fieldOf, isDrawn, type Kind, specOf } from "./schema";
import { withValue } from "./text";
import type { Drafting } from "./useDraft";
import type { Read } from "./useText";

export interface EditProps {
  project: string;
  path: string;
  read: Read;
  text: string;
  assets: readonly Asset[];
  isReadOnly: boolean;
  change: Drafting["change"];
  findings: readonly Finding[];
  onCode: Forms["onCode"];
  onOpen: (kind: Kind, name: string) => void;
}

/** What fields are shown against, and how they change the text. */
export function useFormsOf(props: EditProps): Forms | undefined {
  const { project, path, read, text, assets, isReadOnly, change, findings, onCode, onOpen } = props;
  const { me, ended } = useSession();
  const user = ended ?? nameOf(me);
  return useMemo(() => {
    if (!read.schema) return undefined;
    return {
      project,
      path,
      kind: read.kind,
      name: read.name,
      assets,
      drafts: (edit) => [{ path, text: edit(text) }, ...unsavedBeside(user, project, path)],
      root: read.schema,
      own: read.value,
      parent: read.parent,
      whole: read.whole,
      isReadOnly,
      findings,
      names: (kind) => assets.flatMap((it) => (it.kind === kind && it.name ? [it.name] : [])),
      // Who asked may have waited: it is the text as it is by now that is changed.
      onEdit: (path, value) => change((now) => withValue(now, path, value)),
      onCode,
      onOpen,
    };
  }, [user, project, path, read, text, assets, isReadOnly, change, findings, onCode, onOpen]);
}

/** All of an asset but what is drawn: a workflow's stages are in the designer. */
export function FormView(props: EditProps) {
  const forms = useFormsOf(props);
  const { read } = props;
  if (!forms || !read.kind)
    return <p className="muted">What kind of asset it is must be written first, as code.</p>;
  const spec = specOf(forms.root);
  const field = fieldOf(forms.root, spec);
  return (
    <FormContext.Provider value={forms}>
      <div className={css.fields}>
        <Control
          name="description"
          note="What it is for, in a sentence."
          field={{ is: "text" }}
          path={["metadata", "description"]}
          isRequired={false}
          mark={null}
        />
        {read.parentName && (
          <p className="muted">
            It extends{" "}
            <button
              type="button"
              className={css.small}
              onClick={() => props.onOpen(read.kind as Kind, read.parentName as string)}
            >
              {read.parentName}
            </button>
            : what it does not say itself is as it is there.
          </p>
        )}
        {read.kind === "Format" && <FromSample path={["spec"]} name={read.name ?? "format"} />}
        {field.is === "object" ? (
          <Fields
            schema={field.schema}
            path={["spec"]}
            without={isDrawn(read.kind) ? ["stages"] : []}
          />
        ) : (
          <Part field={field} path={["spec"]} name={read.kind} isRequired />
        )}
      </div>
    </FormContext.Provider>
  );
}
