import { Button } from "@mantine/core";
import { useRef } from "react";
import { bytes } from "../logic/format";
import css from "./parts.module.css";

interface DropFileProps {
  /** What kind of file it is, as `Archive`. */
  label: string;
  /** What the browser offers to choose, as `.zip`. */
  accept: string;
  hint: string;
  file: File | undefined;
  onFile: (it: File | undefined) => void;
}

/** One file, dropped here or chosen. */
export function DropFile({ label, accept, hint, file, onFile }: DropFileProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the button is the first
    <div
      className={css.drop}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        onFile(event.dataTransfer.files[0]);
      }}
    >
      <input
        ref={picker}
        type="file"
        accept={accept}
        className="hidden"
        tabIndex={-1}
        aria-label={label}
        onChange={(event) => onFile(event.currentTarget.files?.[0])}
      />
      {file ? (
        <p>
          <strong>{file.name}</strong> <span className="muted">{bytes(file.size)}</span>
        </p>
      ) : (
        <p className="muted">{hint}</p>
      )}
      <Button onClick={() => picker.current?.click()}>Choose a file …</Button>
    </div>
  );
}
