import { TextInput } from "@mantine/core";

interface FileNameProps {
  /** What the field is called in the form. */
  name: string;
  value: string;
  /** Where the file will be. */
  path: string;
  /** Why it can't be called so. */
  bad: string | undefined;
  onChange: (it: string) => void;
}

/** The name of something new, which becomes a file of its project: the first field of its dialog. */
export function FileName({ name, value, path, bad, onChange }: FileNameProps) {
  return (
    <TextInput
      label="Name"
      name={name}
      description={`The file will be ${path}`}
      value={value}
      error={value && bad}
      onChange={(event) => onChange(event.currentTarget.value)}
      autoComplete="off"
      data-autofocus
    />
  );
}
