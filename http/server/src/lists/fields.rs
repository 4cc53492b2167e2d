//! What each list can be sorted and filtered by.

use weir_http_api::{
    ActivationView, AssetCopy, AssetSummary, AssetUsage, BranchView, BuildView, FleetClusterView,
    KeyView, KnownHostView, LeaseView, LinkView, OpenReplayView, ProjectSummary, RemoteView,
    ResourceGroupView, RoleView, SavepointView, SessionView, TokenView, TrustedCertificateView,
    UserView,
};

use super::Listed;

impl Listed for ProjectSummary {
    const LIST: &'static str = "projects";
    const FIELDS: &'static [&'static str] =
        &["name", "description", "directory", "workflows", "errors", "warnings", "amiss"];
    const ORDER: &'static [&'static str] = &["name"];
}

impl Listed for AssetSummary {
    const LIST: &'static str = "assets";
    const FIELDS: &'static [&'static str] = &["path", "kind", "name", "description"];
    const ORDER: &'static [&'static str] = &["path"];

    fn leads(&self) -> bool {
        self.path == "project.yaml"
    }
}

impl Listed for AssetCopy {
    const LIST: &'static str = "copies";
    const FIELDS: &'static [&'static str] = &["project", "path", "same", "usages"];
    const ORDER: &'static [&'static str] = &["project", "path"];
}

impl Listed for AssetUsage {
    const LIST: &'static str = "usages";
    const FIELDS: &'static [&'static str] = &["path", "kind", "name", "at", "line", "by"];
    const ORDER: &'static [&'static str] = &["path", "line", "column", "at", "by"];
}

impl Listed for BuildView {
    const LIST: &'static str = "builds";
    const FIELDS: &'static [&'static str] = &[
        "at",
        "tag",
        "description",
        "by",
        "commit",
        "environments",
        "forPlan",
        "signer",
        "workflows",
        "size.bytes",
    ];
    const ORDER: &'static [&'static str] = &["-at", "-id"];
}

impl Listed for BranchView {
    const LIST: &'static str = "branches";
    const FIELDS: &'static [&'static str] = &["name", "head", "isCurrent", "isRemote"];
    const ORDER: &'static [&'static str] = &["isRemote", "name"];
}

impl Listed for RemoteView {
    const LIST: &'static str = "remotes";
    const FIELDS: &'static [&'static str] = &["name", "address", "hasCredentials", "user"];
    const ORDER: &'static [&'static str] = &["name"];
}

impl Listed for FleetClusterView {
    const LIST: &'static str = "clusters";
    const FIELDS: &'static [&'static str] = &[
        "name",
        "urls",
        "note",
        "isDefault",
        "standing.reachable",
        "standing.since",
        "standing.cause",
    ];
    const ORDER: &'static [&'static str] = &["name"];

    fn leads(&self) -> bool {
        self.is_default
    }
}

impl Listed for UserView {
    const LIST: &'static str = "users";
    const FIELDS: &'static [&'static str] = &[
        "name",
        "enabled",
        "profile.firstName",
        "profile.lastName",
        "profile.email",
        "profile.description",
        "roles",
        "groupRoles",
        "mustChange",
        "passwordAt",
        "createdAt",
        "createdBy",
        "loggedInAt",
        "failures",
        "origin",
    ];
    const ORDER: &'static [&'static str] = &["name"];
}

impl Listed for RoleView {
    const LIST: &'static str = "roles";
    const FIELDS: &'static [&'static str] = &["name", "description", "claims", "revision"];
    const ORDER: &'static [&'static str] = &["name"];

    /// Those that are built in never change.
    fn leads(&self) -> bool {
        self.revision == 0
    }
}

impl Listed for TokenView {
    const LIST: &'static str = "tokens";
    const FIELDS: &'static [&'static str] =
        &["createdAt", "user", "description", "claims", "expiresAt", "usedAt"];
    const ORDER: &'static [&'static str] = &["createdAt", "id"];
}

impl Listed for SessionView {
    const LIST: &'static str = "sessions";
    const FIELDS: &'static [&'static str] = &["openedAt", "user", "from", "expiresAt"];
    const ORDER: &'static [&'static str] = &["openedAt", "id"];
}

impl Listed for KeyView {
    const LIST: &'static str = "keys";
    const FIELDS: &'static [&'static str] =
        &["alias", "fingerprint", "description", "current", "createdAt", "createdBy", "forgetting"];
    const ORDER: &'static [&'static str] = &["createdAt", "fingerprint"];
}

impl Listed for TrustedCertificateView {
    const LIST: &'static str = "certificates";
    const FIELDS: &'static [&'static str] = &[
        "alias",
        "subject",
        "fingerprint",
        "notBefore",
        "notAfter",
        "identity",
        "expiresSoon",
        "addedAt",
        "addedBy",
    ];
    const ORDER: &'static [&'static str] = &["alias"];
}

impl Listed for KnownHostView {
    const LIST: &'static str = "known-hosts";
    const FIELDS: &'static [&'static str] = &["alias", "description", "addedAt", "addedBy"];
    const ORDER: &'static [&'static str] = &["alias"];
}

impl Listed for ActivationView {
    const LIST: &'static str = "activations";
    const FIELDS: &'static [&'static str] =
        &["node", "roles", "state", "target", "targetSince", "current", "currentSince"];
    const ORDER: &'static [&'static str] = &["node"];
}

impl Listed for LeaseView {
    const LIST: &'static str = "leases";
    const FIELDS: &'static [&'static str] =
        &["name", "state", "owner", "epoch", "leftMs", "pinned"];
    const ORDER: &'static [&'static str] = &["name"];
}

impl Listed for LinkView {
    const LIST: &'static str = "links";
    const FIELDS: &'static [&'static str] =
        &["address", "peer", "state", "since", "roundTripUs", "queuedBytes", "trouble"];
    const ORDER: &'static [&'static str] = &["address"];
}

impl Listed for ResourceGroupView {
    const LIST: &'static str = "resources";
    const FIELDS: &'static [&'static str] = &["group"];
    const ORDER: &'static [&'static str] = &["group"];
}

impl Listed for SavepointView {
    const LIST: &'static str = "savepoints";
    const FIELDS: &'static [&'static str] =
        &["name", "state", "wantedAt", "by", "bytes", "entries"];
    const ORDER: &'static [&'static str] = &["name"];
}

impl Listed for OpenReplayView {
    const LIST: &'static str = "replays";
    const FIELDS: &'static [&'static str] =
        &["item", "stage", "letters", "by", "at", "state", "stream", "node"];
    const ORDER: &'static [&'static str] = &["at", "item"];
}
