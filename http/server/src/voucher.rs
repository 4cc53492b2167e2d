//! Vouchers: a configuration server's word to a cluster for one of its users, for a minute.
//!
//! A user logs in at the configuration server, and never shows an engine that log-in. Instead the server
//! signs who asks and what that user may do at most; an engine that trusts the server believes it.
//!
//! - V1: a voucher is for one cluster, by its id: who was shown it can't show it to another one.
//! - V2: it is believed until it expires, and no voucher for longer than five minutes: so long may go on
//!   who was disabled meanwhile. Clocks may differ by half a minute.
//! - V3: it allows what it names, and nothing that this version does not know.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use weir_controllers::users::{Identity, Via};
use weir_domain::{
    Claims, ClusterId, ClusterName, Extent, Fault, Grants, Millis, Scope, Timestamp, UserClaim,
    UserName,
};
use weir_secrets::{ServerKey, SigningKey};

/// What a voucher begins with. No token of a user does.
const BEGIN: &str = "weir-voucher.";
/// For one request.
pub(crate) const LIFE: Millis = Millis(60_000);
/// For an answer that goes on.
pub(crate) const LIFE_MAX: Millis = Millis(300_000);
/// How much the clocks of two machines may differ.
const SKEW: Millis = Millis(30_000);
/// Longer ones fit no header.
const LENGTH_MAX: usize = 32 << 10;

/// Who signs, and with what.
#[derive(Debug)]
pub struct Issuer {
    pub name: ClusterName,
    pub key: SigningKey,
    pub packages: Arc<dyn PackageKey>,
}

/// What a server signs its packages with.
pub trait PackageKey: fmt::Debug + Send + Sync {
    /// The public key, as it is now.
    fn public(&self) -> Result<String, Fault>;
}

/// A server whose word counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedServer {
    pub name: ClusterName,
    pub key: ServerKey,
}

/// Whose word counts in this cluster.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    pub(crate) cluster: (ClusterId, ClusterName),
    /// Several with one name are one server whose key changes, or that runs twice.
    pub(crate) servers: Arc<[TrustedServer]>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Voucher {
    server: String,
    cluster: ClusterId,
    user: UserName,
    may: Vec<Allowed>,
    issued: Timestamp,
    expires: Timestamp,
}

/// Claims that have one scope: most users have no more than one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Allowed {
    claims: Vec<String>,
    scope: Extent,
}

pub(crate) fn is_voucher(shown: &[u8]) -> bool {
    shown.starts_with(BEGIN.as_bytes())
}

impl Issuer {
    /// What the cluster is shown in place of the user's log-in: what the user may do there, and nothing of
    /// other clusters. `None`: it would be too long for a header.
    pub(crate) fn vouch(
        &self,
        identity: &Identity,
        (cluster, name): (ClusterId, &ClusterName),
        (now, life): (Timestamp, Millis),
    ) -> Option<String> {
        let voucher = Voucher {
            server: self.name.to_string(),
            cluster,
            user: identity.user.clone(),
            may: allowed(identity.grants.at(name).everywhere()),
            issued: now,
            expires: now.plus(life.duration()).min(identity.expires_at),
        };
        let voucher = serde_json::to_vec(&voucher).expect("it holds plain values");
        let voucher = URL_SAFE_NO_PAD.encode(voucher);
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(voucher.as_bytes()));
        let text = format!("{BEGIN}{voucher}.{signature}");
        (text.len() <= LENGTH_MAX).then_some(text)
    }
}

impl Trust {
    /// Who that is and what is allowed; or why it is not believed.
    pub(crate) fn believe(&self, shown: &[u8], now: Timestamp) -> Result<Identity, String> {
        let unreadable = || "the voucher can't be read".to_owned();
        let text = std::str::from_utf8(shown).ok().and_then(|it| it.strip_prefix(BEGIN));
        let (voucher, signature) = text.and_then(|it| it.split_once('.')).ok_or_else(unreadable)?;
        let decoded = |it: &str| URL_SAFE_NO_PAD.decode(it).map_err(|_| unreadable());
        let (bytes, signature) = (decoded(voucher)?, decoded(signature)?);
        let signed = voucher.as_bytes();
        let said = || serde_json::from_slice::<Voucher>(&bytes).map_err(|_| unreadable());
        let signer = self.servers.iter().find(|it| it.key.has_signed(signed, &signature));
        let Some(signer) = signer else {
            // Whoever sends it can read the name in it.
            let server = said()?.server;
            return Err(format!(
                "this cluster does not trust the configuration server {server:.64?}"
            ));
        };
        let voucher = said()?;
        if voucher.server != signer.name.as_str() {
            let (said, known) = (voucher.server, &signer.name);
            return Err(format!("the server that calls itself {said:.64?} is trusted as {known}"));
        }
        self.holds(&voucher, now)?;
        let user = voucher.user.of_server(signer.name.as_str()).map_err(|it| it.to_string())?;
        let mut grants = Grants::default();
        for Allowed { claims, scope } in voucher.may {
            let scope = match scope {
                Extent::Everything => Scope::Everything,
                Extent::Projects(them) => Scope::Projects(them),
            };
            grants.add(claims.iter().filter_map(|it| it.parse::<UserClaim>().ok()), &scope);
        }
        let expires_at = voucher.expires;
        Ok(Identity { user, via: Via::Voucher, grants, expires_at, must_change: false })
    }

    fn holds(&self, voucher: &Voucher, now: Timestamp) -> Result<(), String> {
        if voucher.cluster != self.cluster.0 {
            return Err("the voucher is for another cluster".to_owned());
        }
        if voucher.issued > now.plus(SKEW.duration()) {
            return Err(format!(
                "the voucher was made at {}, and here it is {now}: set the clocks",
                voucher.issued
            ));
        }
        if voucher.expires.since(voucher.issued) > LIFE_MAX.duration() {
            return Err("the voucher holds longer than vouchers may".to_owned());
        }
        if now > voucher.expires.plus(SKEW.duration()) {
            return Err(format!(
                "the voucher held until {}, and here it is {now}: ask again, or set the clocks",
                voucher.expires
            ));
        }
        Ok(())
    }
}

fn allowed(claims: &Claims) -> Vec<Allowed> {
    let mut all: Vec<Allowed> = Vec::new();
    for (claim, scope) in claims {
        let name = claim.as_str().to_owned();
        match all.iter_mut().find(|it| it.scope == *scope) {
            Some(same) => same.claims.push(name),
            None => all.push(Allowed { claims: vec![name], scope: scope.clone() }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weir_domain::ProjectName;
    use weir_secrets::Secret;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn id(number: u128) -> ClusterId {
        ClusterId(uuid::Uuid::from_u128(number))
    }

    fn name(text: &str) -> ClusterName {
        ClusterName::new(text).unwrap()
    }

    #[derive(Debug)]
    struct NoKey;

    impl PackageKey for NoKey {
        fn public(&self) -> Result<String, Fault> {
            Err(Fault::config(87, "there is none"))
        }
    }

    fn issuer(server: &str, secret: &str) -> Issuer {
        let key = SigningKey::of_secret(&Secret::from(secret.repeat(32))).unwrap();
        Issuer { name: name(server), key, packages: Arc::new(NoKey) }
    }

    fn trust(of: &[&Issuer]) -> Trust {
        let servers =
            of.iter().map(|it| TrustedServer { name: it.name.clone(), key: it.key.public() });
        Trust { cluster: (id(1), name("east")), servers: servers.collect() }
    }

    fn ada() -> Identity {
        let mut grants = Grants::default();
        let flights = Scope::Projects([ProjectName::new("flights").unwrap()].into());
        grants.add([UserClaim::DeploymentWrite], &flights);
        grants.add([UserClaim::ClusterRead, UserClaim::StreamRead], &Scope::Everything);
        Identity {
            user: UserName::new("ada").unwrap(),
            via: Via::Voucher,
            grants,
            expires_at: NOW.plus(Duration::from_secs(3_600)),
            must_change: false,
        }
    }

    #[test]
    fn a_user_of_a_trusted_server_may_what_the_voucher_says() {
        let config = issuer("config", "a");
        let shown = config.vouch(&ada(), (id(1), &name("east")), (NOW, LIFE)).unwrap();
        let believed = trust(&[&config]).believe(shown.as_bytes(), NOW).unwrap();
        let user = UserName::new("ada@config").unwrap();
        let expires_at = NOW.plus(LIFE.duration());
        assert_eq!(believed, Identity { user, expires_at, ..ada() });
    }

    #[test]
    fn nothing_else_is_believed() {
        let (config, other) = (issuer("config", "a"), issuer("other", "b"));
        let forger = issuer("config", "c");
        let trust = trust(&[&config, &other]);
        let refused = |shown: &str, now| trust.believe(shown.as_bytes(), now).unwrap_err();
        let vouched = |it: &Issuer, cluster| {
            it.vouch(&ada(), (id(cluster), &name("east")), (NOW, LIFE)).unwrap()
        };
        assert!(refused(&vouched(&forger, 1), NOW).contains("does not trust"));
        assert!(refused(&vouched(&config, 2), NOW).contains("another cluster"));
        let late = NOW.plus(Duration::from_secs(91));
        assert!(refused(&vouched(&config, 1), late).contains("held until"));
        let in_time = NOW.plus(Duration::from_secs(89));
        assert!(trust.believe(vouched(&config, 1).as_bytes(), in_time).is_ok());
        let early = Timestamp(NOW.0 - 31_000);
        assert!(refused(&vouched(&config, 1), early).contains("set the clocks"));
        let long = config.vouch(&ada(), (id(1), &name("east")), (NOW, Millis(300_001))).unwrap();
        assert!(refused(&long, NOW).contains("longer"));
        // One server can't speak as another one.
        let posing = Issuer { name: name("config"), ..issuer("other", "b") };
        assert!(refused(&vouched(&posing, 1), NOW).contains("trusted as other"));
        // Nor is a voucher changed.
        let good = vouched(&config, 1);
        let (head, tail) = good.rsplit_once('.').unwrap();
        let (_, payload) = head.split_once('.').unwrap();
        let said = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let more = URL_SAFE_NO_PAD.encode(said.replace("flights", "weather"));
        assert!(refused(&format!("{BEGIN}{more}.{tail}"), NOW).contains("does not trust"));
        for bad in ["", ".", "x.y", "e30.e30"] {
            assert!(refused(&format!("{BEGIN}{bad}"), NOW).contains("can't be read"), "{bad}");
        }
    }

    #[test]
    fn what_this_version_does_not_know_is_not_allowed() {
        let config = issuer("config", "a");
        let voucher = Voucher {
            server: "config".into(),
            cluster: id(1),
            user: UserName::new("ada").unwrap(),
            may: vec![Allowed { claims: vec!["moon:write".into()], scope: Extent::Everything }],
            issued: NOW,
            expires: NOW.plus(Duration::from_secs(1)),
        };
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&voucher).unwrap());
        let signature = URL_SAFE_NO_PAD.encode(config.key.sign(text.as_bytes()));
        let shown = format!("{BEGIN}{text}.{signature}");
        let believed = trust(&[&config]).believe(shown.as_bytes(), NOW).unwrap();
        assert_eq!(believed.grants, Grants::default());
    }
}
