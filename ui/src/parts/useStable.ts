import { useCallback, useEffect, useRef } from "react";

/** Does what `act` of the last drawing does, and is the same for ever: who is given it is not drawn anew for that. */
export function useStable<A extends unknown[]>(act: (...of: A) => void): (...of: A) => void {
  const last = useRef(act);
  useEffect(() => {
    last.current = act;
  });
  return useCallback((...of: A) => last.current(...of), []);
}
