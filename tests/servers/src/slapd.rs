//! OpenLDAP, as Debian packages it: a directory of a few people and groups.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use futures::future::{Either, select};
use ldap3::{Ldap, LdapConnAsync, LdapError, Mod};
use rustix::process::Signal;
use tokio::runtime::{Builder, Runtime};

use crate::PASSWORD;
use crate::authority::Certified;
use crate::directory::Directory;
use crate::ports::free_port;
use crate::process::{self, Process};

const PACKAGE: &str = "slapd";
const BASE: &str = "dc=example,dc=org";
const ROOT: &str = "cn=root,dc=example,dc=org";
const LOOPBACK: &str = "127.0.0.1";

pub struct Slapd {
    process: Option<Process>,
    directory: Directory,
    port: u16,
    tls_port: u16,
    offers_tls: bool,
    runtime: Runtime,
}

impl Slapd {
    pub const BASE: &str = BASE;
    /// Who may search, and its password.
    pub const SERVICE: &str = "cn=weir,dc=example,dc=org";
    pub const PASSWORD: &str = PASSWORD;

    /// A directory that knows nobody but who searches it. It takes an empty password for nobody's, and lets
    /// in with it, as many directories do.
    pub fn start() -> Self {
        Self::with(true, "")
    }

    /// One that finds no more entries at once than that, and refuses who asks for more.
    pub fn start_limited(entries: usize) -> Self {
        Self::with(true, &format!("sizelimit size.soft={entries} size.hard={entries}\n"))
    }

    /// The same without TLS.
    pub fn start_in_the_clear() -> Self {
        Self::with(false, "")
    }

    /// `more`: lines of the configuration of its database.
    fn with(offers_tls: bool, more: &str) -> Self {
        let directory = Directory::new();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the client runs");
        let (port, tls_port) = (free_port(LOOPBACK), free_port(LOOPBACK));
        let mut server = Self { process: None, directory, port, tls_port, offers_tls, runtime };
        server.certify();
        let path = server.directory.path().display().to_string();
        let tls = match offers_tls {
            true => format!(
                "TLSCACertificateFile {path}/ca.pem\nTLSCertificateFile {path}/server.pem\n\
                 TLSCertificateKeyFile {path}/server.key\n"
            ),
            false => String::new(),
        };
        let conf = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\npidfile {path}/slapd.pid\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n\
             allow bind_anon_cred\n{tls}database mdb\nsuffix \"{BASE}\"\nrootdn \"{ROOT}\"\n\
             rootpw {PASSWORD}\ndirectory {path}/data\n{more}overlay memberof\n\
             memberof-refint TRUE\n"
        );
        fs::create_dir(server.directory.path().join("data")).expect("T1: the directory is ours");
        fs::write(server.conf(), conf).expect("T1: the directory is ours");
        server.run();
        server.add(BASE, &[("objectClass", &["dcObject", "organization"]), ("o", &["x"])]);
        for unit in ["people", "groups"] {
            let dn = format!("ou={unit},{BASE}");
            server.add(&dn, &[("objectClass", &["organizationalUnit"])]);
        }
        let role = ["organizationalRole", "simpleSecurityObject"];
        server.add(Self::SERVICE, &[("objectClass", &role), ("userPassword", &[PASSWORD])]);
        server
    }

    fn certify(&self) {
        let path = self.directory.path();
        let Certified { authority, certificate, key } = Certified::of(&[LOOPBACK, "localhost"]);
        let files = [("ca.pem", authority), ("server.pem", certificate), ("server.key", key)];
        for (name, text) in files {
            fs::write(path.join(name), text).expect("T1: the directory is ours");
        }
    }

    fn conf(&self) -> PathBuf {
        self.directory.path().join("slapd.conf")
    }

    fn run(&mut self) {
        let program = process::program(&[PathBuf::from("/usr/sbin/slapd")], PACKAGE);
        let mut urls = format!("ldap://{LOOPBACK}:{}", self.port);
        if self.offers_tls {
            write!(urls, " ldaps://{LOOPBACK}:{}", self.tls_port).expect("a text takes everything");
        }
        let mut command = Command::new(program);
        command.arg("-f").arg(self.conf()).args(["-h", &urls, "-d", "256"]);
        let mut process = Process::start(&self.directory, command);
        // It listens before it can answer, and another one may listen in its place.
        let listens = |port| TcpStream::connect((LOOPBACK, port)).is_ok();
        process.wait_ready(self.directory.path(), || {
            (!self.offers_tls || listens(self.tls_port)) && self.try_to(async |_| Ok(())).is_ok()
        });
        self.process = Some(process);
    }

    pub fn url(&self) -> String {
        format!("ldap://{LOOPBACK}:{}", self.port)
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://{LOOPBACK}:{}", self.tls_port)
    }

    /// Who signed the certificate of the server.
    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// All that the server told: what it was asked, too.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn person(&self, uid: &str, password: &str) {
        let dn = format!("uid={uid},ou=people,{BASE}");
        let mail = format!("{uid}@example.org");
        self.add(
            &dn,
            &[
                ("objectClass", &["inetOrgPerson"]),
                ("cn", &[uid]),
                ("sn", &["Moss"]),
                ("givenName", &["Eve"]),
                ("mail", &[&mail]),
                ("userPassword", &[password]),
            ],
        );
    }

    /// Gives somebody an attribute, in place of what it was.
    pub fn set(&self, uid: &str, attribute: &str, value: &str) {
        let dn = format!("uid={uid},ou=people,{BASE}");
        let change = Mod::Replace(attribute.to_owned(), HashSet::from([value.to_owned()]));
        self.done(async |ldap| ldap.modify(&dn, vec![change]).await?.success());
    }

    /// A group of people who are there.
    pub fn group(&self, cn: &str, uids: &[&str]) {
        let members: Vec<_> = uids.iter().map(|it| format!("uid={it},ou=people,{BASE}")).collect();
        // A group has a member, whoever leaves it.
        let members = members.iter().map(String::as_str).chain([Self::SERVICE]);
        let members: Vec<_> = members.collect();
        let dn = format!("cn={cn},ou=groups,{BASE}");
        self.add(&dn, &[("objectClass", &["groupOfNames"]), ("member", &members)]);
    }

    pub fn join(&self, cn: &str, uid: &str) {
        self.change(cn, |member| Mod::Add("member".to_owned(), member), uid);
    }

    pub fn leave(&self, cn: &str, uid: &str) {
        self.change(cn, |member| Mod::Delete("member".to_owned(), member), uid);
    }

    fn change(&self, cn: &str, how: impl FnOnce(HashSet<String>) -> Mod<String>, uid: &str) {
        let member = HashSet::from([format!("uid={uid},ou=people,{BASE}")]);
        let dn = format!("cn={cn},ou=groups,{BASE}");
        let change = how(member);
        self.done(async |ldap| ldap.modify(&dn, vec![change]).await?.success());
    }

    /// Somebody is gone.
    pub fn remove(&self, uid: &str) {
        let dn = format!("uid={uid},ou=people,{BASE}");
        self.done(async |ldap| ldap.delete(&dn).await?.success());
    }

    fn add(&self, dn: &str, attributes: &[(&str, &[&str])]) {
        let attributes = attributes
            .iter()
            .map(|(name, values)| (*name, values.iter().copied().collect::<HashSet<_>>()));
        let attributes: Vec<_> = attributes.collect();
        self.done(async |ldap| ldap.add(dn, attributes).await?.success());
    }

    fn done<T>(&self, work: impl AsyncFnOnce(&mut Ldap) -> Result<T, LdapError>) {
        self.try_to(work).expect("T1: the directory is ours");
    }

    /// Lets the administrator in, and has the work done.
    fn try_to<T>(
        &self,
        work: impl AsyncFnOnce(&mut Ldap) -> Result<T, LdapError>,
    ) -> Result<(), LdapError> {
        self.runtime.block_on(async {
            let (driver, mut ldap) = LdapConnAsync::new(&self.url()).await?;
            let work = std::pin::pin!(async {
                ldap.simple_bind(ROOT, PASSWORD).await?.success()?;
                work(&mut ldap).await.map(|_| ())
            });
            match select(work, std::pin::pin!(driver.drive())).await {
                Either::Left((done, _)) => done,
                Either::Right((_, work)) => work.await,
            }
        })
    }

    /// It takes connections from now on, and says nothing.
    pub fn freeze(&self) {
        self.process.as_ref().expect("the server runs").freeze();
    }

    pub fn thaw(&self) {
        self.process.as_ref().expect("the server runs").signal(Signal::CONT);
    }

    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.end(&self.directory, Signal::KILL);
        }
    }

    /// Starts the server again on its data and ports.
    pub fn restart(&mut self) {
        self.kill();
        self.run();
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.kill();
    }
}
