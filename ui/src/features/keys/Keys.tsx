import { CopyCli } from "../../parts/Act";
import { Page } from "../../parts/Page";
import { Certificates } from "./Certificates";
import { Hosts } from "./Hosts";
import { Pairs } from "./Pairs";

/** Keys that secrets are sealed to, certificates, and hosts whose keys are known. Private parts never leave. */
export function Keys() {
  return (
    <Page title="Keys" actions={<CopyCli command="weir key list" />}>
      <Pairs />
      <Certificates />
      <Hosts />
    </Page>
  );
}
