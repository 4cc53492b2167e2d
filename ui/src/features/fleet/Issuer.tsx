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
        This server vouches for its users, and signs what it deploys. Engines let them in, and take
        its packages, if their configuration has these lines:
      </p>
      <Shows of={issuer}>
        {({ setting, signer }) => (
          <p>
            <code>weir.rest-server.trusted-servers = [{setting}]</code>
            <br />
            {signer ? (
              <code>weir.packages.trusted-signers = ["{signer}"]</code>
            ) : (
              "The server can't read the key of its packages: its log says why."
            )}
          </p>
        )}
      </Shows>
    </Panel>
  );
}
