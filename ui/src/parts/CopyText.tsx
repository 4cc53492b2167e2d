import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import css from "./parts.module.css";

/** A small button behind a text that is wanted elsewhere: a path, a command. */
export function CopyText({ text, what }: { text: string; what: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `Copy the ${what}`}>
          <ActionIcon
            variant="transparent"
            size={24}
            onClick={copy}
            className={css.copy}
            aria-label={`Copy the ${what} ${text}`}
          >
            {copied ? (
              <span aria-hidden="true">✓</span>
            ) : (
              <svg
                viewBox="0 0 16 16"
                width="13"
                height="13"
                aria-hidden="true"
                className={css.copyGlyph}
              >
                <rect x="5.5" y="5.5" width="8" height="9" rx="1.5" />
                <path d="M3.5 10.5h-1v-8a1 1 0 0 1 1-1h7v1.5" />
              </svg>
            )}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
