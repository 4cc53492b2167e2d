// What the open view has that one may go to by name, beside what the palette knows of the whole server.
import { useEffect } from "react";
import type { Offer } from "./palette";

let offers: () => readonly Offer[] = () => [];

export const nearby = (): readonly Offer[] => offers();

/** Offers them as long as the view is open. */
export function useNearby(of: () => readonly Offer[]): void {
  useEffect(() => {
    offers = of;
    return () => {
      if (offers === of) offers = () => [];
    };
  });
}
