import "./app/components";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal } from "./api/problem";
import { router } from "./app/router";
import { SessionProvider } from "./app/session";
import { theme } from "./app/theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What was refused is refused again; what got no answer may get one.
      retry: (count, error) => !(error instanceof Refusal) && count < 2,
      refetchOnWindowFocus: true,
      staleTime: 5_000,
    },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("index.html has a place for the page");

createRoot(root).render(
  <StrictMode>
    {/* The policy of the page allows no style tags: all of the theme stands in files. */}
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <SessionProvider>
          <RouterProvider router={router} />
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
