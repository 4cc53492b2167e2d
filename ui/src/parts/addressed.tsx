// What is shown in a part of a view (an order, a table in place of lines) as a piece of the address. Where there is no
// address, as in a part that stands by itself, it is kept by the part.
import { createContext, type ReactNode, useContext, useMemo, useState } from "react";

export interface Address {
  read: (key: string) => string | undefined;
  /** In the place of what was there: it is no step that one goes back. */
  write: (key: string, value: string | undefined) => void;
}

export const AddressContext = createContext<Address | undefined>(undefined);

export function useAddressed(
  key: string,
): [value: string | undefined, set: (value: string | undefined) => void] {
  const address = useContext(AddressContext);
  const [own, setOwn] = useState<string>();
  if (!address) return [own, setOwn];
  return [address.read(key), (value) => address.write(key, value)];
}

/** What is shown in a dialog begins as in the view below it, and changes nothing there. */
export function OwnAddress({ children }: { children: ReactNode }) {
  const view = useContext(AddressContext);
  const [own, setOwn] = useState<Readonly<Record<string, string | undefined>>>({});
  const address = useMemo<Address>(
    () => ({
      read: (key) => (key in own ? own[key] : view?.read(key)),
      write: (key, value) => setOwn((it) => ({ ...it, [key]: value })),
    }),
    [own, view],
  );
  return <AddressContext value={address}>{children}</AddressContext>;
}
