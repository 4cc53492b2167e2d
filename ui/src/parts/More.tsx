// Lists that are read by pages: the next one comes where a list ends, and by a button for those who scroll nothing.
import { Button } from "@mantine/core";
import { useCallback } from "react";

/** A query that is read by pages. */
interface Pages {
  hasNextPage: boolean;
  isFetching: boolean;
  fetchNextPage: () => unknown;
}

/** Reads the next page, if there is one and none is being read: the same for as long as that is so. */
export function useMore({ hasNextPage, isFetching, fetchNextPage }: Pages): () => void {
  return useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetching]);
}

interface MoreProps {
  of: Pages;
  label: string;
  className?: string;
}

/** The button for the next page; nothing where there is none. */
export function More({ of, label, className }: MoreProps) {
  if (!of.hasNextPage) return null;
  return (
    <div className={className}>
      <Button onClick={() => void of.fetchNextPage()} disabled={of.isFetching}>
        {of.isFetching ? "Reading …" : label}
      </Button>
    </div>
  );
}
