import { Button } from "@mantine/core";
import { serverNow } from "../logic/now";
import { Ago } from "./When";

interface RefreshProps {
  /** A query, of what is not followed as it changes. */
  of: { dataUpdatedAt: number; isFetching: boolean; refetch: () => unknown };
  label?: string;
}

/** Reads a list again that does not change by itself, and says from when it is. */
export function Refresh({ of, label = "Refresh" }: RefreshProps) {
  return (
    <span className="row">
      {of.dataUpdatedAt > 0 && (
        <span className="muted small">
          read <Ago at={of.dataUpdatedAt + serverNow() - Date.now()} />
        </span>
      )}
      <Button onClick={() => void of.refetch()} disabled={of.isFetching}>
        {label}
      </Button>
    </span>
  );
}
