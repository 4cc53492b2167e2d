import { TextInput } from "@mantine/core";

/** What rows must have. `/` leads here. */
export function Filter({
  value,
  onChange,
  label = "Filter",
}: {
  value: string;
  onChange: (value: string) => void;
  label?: string;
}) {
  return (
    <TextInput
      aria-label={label}
      placeholder={`${label}  /`}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          onChange("");
          event.currentTarget.blur();
        }
      }}
      data-filter=""
      w={200}
    />
  );
}
