//! File servers that others wrote, each started for one test on the folder where an analyzer writes.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use labsim::drops::Place;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::support::{connect, free_port};

/// Where Python's peers are installed.
const PYTHON: &str = "target/peers/python/bin/python";

/// A running server. Dropping it ends it.
pub(crate) struct FileServer {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl FileServer {
    /// vsftpd, which lets `anonymous` write in `root`; `more` is added to its settings.
    pub(crate) async fn vsftpd(root: &Path, more: &str) -> FileServer {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_port());
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let settings = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n\
             anon_root={}\nwrite_enable=YES\nanon_upload_enable=YES\nanon_umask=022\nanon_other_write_enable=YES\nanon_mkdir_write_enable=YES\n\
             anon_world_readable_only=NO\nrun_as_launching_user=YES\nallow_writeable_chroot=YES\nseccomp_sandbox=NO\n\
             secure_chroot_dir={}\nconnect_from_port_20=NO\n{more}\n",
            address.port(),
            root.display(),
            empty.display(),
        );
        let file = folder.path().join("vsftpd.conf");
        fs::write(&file, settings).unwrap();
        let mut command = Command::new("vsftpd");
        command.arg(&file);
        FileServer::start(command, address, folder).await
    }

    /// The same vsftpd once more, with its clock in another zone, as POSIX writes zones.
    pub(crate) async fn goes_to_zone(&mut self, zone: &str) {
        self.end();
        let mut command = Command::new("vsftpd");
        command.arg(self.folder.path().join("vsftpd.conf")).env("TZ", zone).stdin(Stdio::null());
        self.child = command.spawn().unwrap();
        drop(connect(self.address).await);
    }

    /// pyftpdlib, with MLSD, or with what a server on Windows lists; `labwire` logs in with the password `invented`.
    pub(crate) async fn pyftpdlib(root: &Path, more: &[&str]) -> FileServer {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_port());
        let script = folder.path().join("server.py");
        fs::write(&script, include_str!("ftp_server.py")).unwrap();
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(PYTHON));
        command.arg(&script).arg(address.port().to_string()).arg(root).args(more);
        FileServer::start(command, address, folder).await
    }

    /// Returns once it takes connections.
    async fn start(mut command: Command, address: SocketAddr, folder: TempDir) -> FileServer {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let server = FileServer { child, address, folder };
        drop(connect(address).await);
        server
    }

    /// The same server for an analyzer that uploads to it.
    pub(crate) fn of_an_analyzer(&self) -> Place {
        let (address, user) = (self.address.to_string(), "anonymous".to_owned());
        Place::Ftp(labsim::drops::Server {
            address,
            user,
            password: "invented".to_owned(),
            folder: String::new(),
        })
    }

    /// The table of an instrument that fetches its files from here.
    pub(crate) fn table(&self, more: &str) -> String {
        format!("[ftp]\nhost = \"127.0.0.1\"\nport = {}\n{more}\n", self.address.port())
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// A server's certificate for 127.0.0.1, who signed it, and its fingerprint.
pub(crate) struct Identity {
    pub(crate) folder: TempDir,
    pub(crate) fingerprint: String,
}

impl Identity {
    pub(crate) fn new() -> Identity {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.path().join("server.pem"), certificate.pem() + &key.serialize_pem()).unwrap();
        let fingerprint = Sha256::digest(certificate.der());
        let fingerprint = fingerprint.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        Identity { folder, fingerprint }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
