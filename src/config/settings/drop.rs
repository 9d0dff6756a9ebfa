//! How an instrument's files are fetched: where they lie, when one is whole, and what becomes of it afterwards.

use std::path::PathBuf;
use std::time::Duration;

use crate::domain::{Glob, Private};

/// A place where an instrument leaves files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropSettings {
    pub place: PlaceSettings,
    /// The names that are this instrument's files; others are left alone.
    pub pattern: Glob,
    /// Time between two looks.
    pub every: Duration,
    /// Up to this much is added to it by chance.
    pub jitter: Duration,
    /// The longest that one call to the place may take, and the longest silence within a transfer.
    pub patience: Duration,
    pub proof: Proof,
    pub after: After,
    /// A file that isn't taken after so long is a problem.
    pub overdue: Duration,
    /// A larger file is refused, in bytes.
    pub longest: u64,
    /// A larger workbook is, in bytes: it is unpacked in memory.
    pub longest_workbook: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceSettings {
    /// On this machine, or mounted on it.
    Folder(PathBuf),
    Ftp(FtpSettings),
    #[cfg(feature = "sftp")]
    Sftp(SftpSettings),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FtpSettings {
    pub host: String,
    pub port: u16,
    pub tls: FtpTls,
    pub mode: FtpMode,
    pub user: String,
    pub password: Private<String>,
    /// On the server. Empty: where the login leads.
    pub folder: String,
}

#[cfg(feature = "sftp")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SftpSettings {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub login: SftpLogin,
    /// The SHA-256 of the server's key, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// On the server. Empty: where the login leads.
    pub folder: String,
}

#[cfg(feature = "sftp")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SftpLogin {
    Password(Private<String>),
    /// A private key without a passphrase, as OpenSSH writes it.
    Key(Private<String>),
}

/// Whether the connections to a server are encrypted, and whom they trust then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FtpTls {
    None,
    /// The connection begins in the clear and turns to TLS before the login.
    Explicit(Trust),
    /// It is TLS from the first byte.
    Implicit(Trust),
}

/// Which certificate of a server is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One that this authority signed for this name.
    Authority { ca_pem: Vec<u8>, server_name: String },
    /// The one with this SHA-256, whatever it says.
    Fingerprint([u8; 32]),
}

/// Who opens the connection that carries a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpMode {
    Passive,
    Active,
}

/// What shows that the analyzer has finished writing a file. It must be read to its end besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Its size and time were the same so many times in a row.
    Stable { polls: u32 },
    /// A second file lies beside it: its name with this suffix, added or in place of its own.
    Marker { suffix: String },
    /// It is written under such a name and renamed then.
    Rename { while_writing: Glob },
    /// It holds a last line or record of its own.
    Trailer,
    /// Nobody holds a lock on it. Folders only.
    Lock,
}

impl Proof {
    /// Whether it shows by itself that the last byte is there, whatever the file says.
    pub fn vouches(&self) -> bool {
        match self {
            Proof::Marker { .. } | Proof::Rename { .. } | Proof::Lock => true,
            Proof::Stable { .. } | Proof::Trailer => false,
        }
    }
}

/// What becomes of a file that is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    Delete,
    /// Into this folder: for a local one relative to its own, for a server as the server takes it.
    Move(String),
    /// It stays, and is remembered.
    Leave,
}
