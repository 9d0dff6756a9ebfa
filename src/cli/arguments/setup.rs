//! What can be said where a configuration is begun or extended.

use clap::{Args, Subcommand};

use super::Config;
use crate::config::schema::File;

/// A JSON Schema of one of the configuration's files, for editors
#[derive(Args)]
pub(in crate::cli) struct Schema {
    /// labwire, instrument, codes, rules, qc or analytes
    #[arg(value_name = "FILE", default_value = "labwire", value_parser = schema_of)]
    pub(in crate::cli) file: File,
}

fn schema_of(name: &str) -> Result<File, String> {
    let names: Vec<&str> = File::ALL.into_iter().map(File::name).collect();
    let found = File::ALL.into_iter().find(|file| file.name() == name);
    found.ok_or_else(|| format!("write one of {}", names.join(", ")))
}

#[derive(Args)]
pub(in crate::cli) struct Init {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// The laboratory's name, part of every result's identity; asked for on a terminal
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) site: Option<String>,
    /// Where results go: https://…, HOST:PORT for HL7 over MLLP, or a folder; asked for on a terminal
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) lims: Option<String>,
    /// A file with the token that the LIMS wants
    #[arg(long, value_name = "FILE", requires = "lims")]
    pub(in crate::cli) token_file: Option<String>,
    /// The journal's file instead of /var/lib/labwire/journal.db
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) journal: Option<String>,
    /// Where the page listens instead of 127.0.0.1:8480
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) page: Option<String>,
    /// The socket of commands instead of /run/labwire/control.sock
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) control_socket: Option<String>,
}

#[derive(Subcommand)]
pub(in crate::cli) enum Add {
    /// An analyzer, by its profile and its connection; what isn't said is asked for on a terminal
    Instrument(Box<NewInstrument>),
}

#[derive(Args)]
pub(in crate::cli) struct NewInstrument {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// Its name in every result, of a-z, 0-9 and -: choose it once
    pub(in crate::cli) name: String,
    /// Its model's profile
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    /// Of the analyzer's clock, such as Europe/Berlin; by default this machine's
    #[arg(long, value_name = "ZONE")]
    pub(in crate::cli) time_zone: Option<String>,
    /// For people
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub(in crate::cli) description: String,
    /// What the analyzer calls itself, where several share a listener
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) sender: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) connection: Connection,
}

#[derive(Args, Clone)]
pub(in crate::cli) struct Connection {
    /// It hangs on this serial device, best /dev/serial/by-id/…
    #[arg(long, value_name = "DEVICE", group = "way")]
    pub(in crate::cli) serial: Option<String>,
    /// Bits per second
    #[arg(long, value_name = "RATE", requires = "serial", conflicts_with_all = ["listen", "connect", "folder"])]
    pub(in crate::cli) baud: Option<u32>,
    /// 5 to 8
    #[arg(long, value_name = "NUMBER", requires = "serial", conflicts_with_all = ["listen", "connect", "folder"])]
    pub(in crate::cli) data_bits: Option<u8>,
    /// none, even or odd
    #[arg(long, value_name = "WORD", requires = "serial", conflicts_with_all = ["listen", "connect", "folder"])]
    pub(in crate::cli) parity: Option<String>,
    /// 1 or 2
    #[arg(long, value_name = "NUMBER", requires = "serial", conflicts_with_all = ["listen", "connect", "folder"])]
    pub(in crate::cli) stop_bits: Option<u8>,
    /// It connects to this address and port of this machine
    #[arg(long, value_name = "ADDRESS:PORT", group = "way")]
    pub(in crate::cli) listen: Option<String>,
    /// From this address or network alone
    #[arg(long, value_name = "ADDRESS", requires = "listen", conflicts_with_all = ["serial", "connect", "folder"])]
    pub(in crate::cli) allow: Vec<String>,
    /// labwire connects to it there
    #[arg(long, value_name = "HOST:PORT", group = "way")]
    pub(in crate::cli) connect: Option<String>,
    /// It leaves files in this folder; they are moved to archive in it
    #[arg(long, value_name = "DIR", group = "way")]
    pub(in crate::cli) folder: Option<String>,
}
