import { answered, api } from "../../api/client";
import { CopyCli } from "../../parts/Act";
import { Panel } from "../../parts/Page";
import { Shows } from "../../parts/Shows";
import { useAsked } from "../../parts/useAsked";

/** What clusters must trust so that users of this server are let in there. */
export function Issuer() {
  const issuer = useAsked(["issuer"], () => answered(api.GET("/api/v1/clusters:issuer")));
  return (
    <Panel title="One log-in for all clusters" side={<CopyCli command="weir fleet issuer" />}>
      <p className="muted">
        This server vouches for its users. Engines let them in if their configuration has this line:
      </p>
      <Shows of={issuer}>
        {({ setting }) => (
          <p>
            <code>weir.rest-server.trusted-servers = [{setting}]</code>
          </p>
        )}
      </Shows>
    </Panel>
  );
}
