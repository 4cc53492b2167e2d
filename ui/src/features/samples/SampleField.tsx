import { Button, Textarea } from "@mantine/core";
import { useId, useRef } from "react";
import { bytes } from "../../logic/format";
import { type Given, givenBy, NOTHING, sizeOf, unfit } from "./given";
import css from "./samples.module.css";

interface SampleFieldProps {
  label: string;
  given: Given;
  /** What may be done with it at once, by Ctrl+Enter. */
  onGo?: () => void;
  onChange: (it: Given) => void;
}

/** A sample is pasted, dropped or chosen here. */
export function SampleField({ label, given, onGo, onChange }: SampleFieldProps) {
  const picker = useRef<HTMLInputElement>(null);
  const id = useId();
  const take = async (file: File | undefined) => {
    if (file)
      onChange({
        ...givenBy(file.name, new Uint8Array(await file.arrayBuffer())),
        isLines: given.isLines,
      });
  };
  const why = unfit(given);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; pasting and the button are the first
    <div
      className={css.sample}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes("Files")) event.preventDefault();
      }}
      onDrop={(event) => {
        const [file] = event.dataTransfer.files;
        if (!file) return;
        event.preventDefault();
        void take(file);
      }}
    >
      <div className="row">
        <label htmlFor={id}>{label}</label>
        <div className="grow" />
        <input
          ref={picker}
          type="file"
          className="hidden"
          tabIndex={-1}
          aria-label={`File: ${label}`}
          onChange={(event) => {
            void take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <Button onClick={() => picker.current?.click()}>Choose a file …</Button>
      </div>
      {given.file ? (
        <div className={css.file} id={id}>
          <strong className="cut">{given.file.name}</strong>
          <span className="muted">{bytes(sizeOf(given))}, sent as it is</span>
          <Button onClick={() => onChange({ ...NOTHING, isLines: given.isLines })}>
            Take it out
          </Button>
        </div>
      ) : (
        <Textarea
          size="xs"
          id={id}
          classNames={{ root: css.field, wrapper: css.field, input: css.text }}
          value={given.text}
          placeholder="Paste some records here, or drop a file"
          onChange={(event) => onChange({ ...given, text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            onGo?.();
          }}
          aria-keyshortcuts="Control+Enter"
          data-autofocus
          spellCheck={false}
        />
      )}
      {why && (
        <p role="alert" className={css.why} data-tone="err">
          {why}
        </p>
      )}
    </div>
  );
}
