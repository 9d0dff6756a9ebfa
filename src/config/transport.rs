//! The tables `[serial]`, `[tcp_server]` and `[tcp_client]`: how bytes reach an instrument. Reads text only; it
//! opens no device and no socket.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::files;
use super::reader::{Entry, Table};
use super::settings::{
    FlowControl, Network, Parity, SecondConnection, SerialSettings, TcpClientSettings, TcpLimits,
    TcpServerSettings, TlsClientSettings, TlsServerSettings, Transport,
};

const PARITIES: [(&str, Parity); 3] = [("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)];
const FLOW_CONTROLS: [(&str, FlowControl); 3] =
    [("none", FlowControl::None), ("software", FlowControl::Software), ("hardware", FlowControl::Hardware)];
const SECOND_CONNECTIONS: [(&str, SecondConnection); 2] =
    [("replace", SecondConnection::Replace), ("refuse", SecondConnection::Refuse)];

/// A transport and where the file names what it owns: the device or the address.
pub(super) struct Placed {
    pub(super) transport: Transport,
    pub(super) span: Range<usize>,
}

/// The file's one transport, with so many `connections` unless it says otherwise. `None`, and an error noted, when there is none, more than one, or a broken one.
pub(super) fn read(file: &mut Table<'_>, folder: &Path, connections: usize) -> Option<Placed> {
    let given = [
        file.table("serial", |table| serial(table, folder)),
        file.table("tcp_server", |table| tcp_server(table, folder, connections)),
        file.table("tcp_client", |table| tcp_client(table, folder)),
    ];
    let mut given: Vec<Option<Placed>> = given.into_iter().flatten().collect();
    if given.len() == 1 {
        return given.pop().flatten();
    }
    let fault =
        if given.is_empty() { "says not how it is connected" } else { "is connected in several ways" };
    file.error(format!("the instrument {fault}; write one of [serial], [tcp_server] and [tcp_client]"));
    None
}

fn serial(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let device = table.required("device", "\"/dev/serial/by-id/…\"");
    let baud = table.number("baud", 50..=4_000_000).unwrap_or(9_600);
    let data_bits = table.number("data_bits", 5..=8).unwrap_or(8);
    let parity = table.choice("parity", &PARITIES).unwrap_or(Parity::None);
    let stop_bits = table.number("stop_bits", 1..=2).unwrap_or(1);
    let flow_control = table.choice("flow_control", &FLOW_CONTROLS).unwrap_or(FlowControl::None);
    let device = device?;
    let settings =
        SerialSettings { device: path(&device, folder)?, baud, data_bits, parity, stop_bits, flow_control };
    Some(Placed { transport: Transport::Serial(settings), span: device.span() })
}

fn tcp_server(table: &mut Table<'_>, folder: &Path, connections: usize) -> Option<Placed> {
    let listen = table.required("listen", "\"0.0.0.0:4001\"");
    let allow = table.list("allow", |entry| entry.parsed(network)).unwrap_or_default();
    let max_connections = table.number("max_connections", 1..=64).unwrap_or(connections);
    let second_connection =
        table.choice("second_connection", &SECOND_CONNECTIONS).unwrap_or(SecondConnection::Replace);
    let limits = limits(table);
    let tls = table.table("tls", |table| tls_server(table, folder));
    let listen = listen?;
    let address = listen.parsed(listen_address)?;
    if allow.is_empty() && !address.ip().is_loopback() {
        listen.warning(format!(
            "anybody who reaches {address} can send results as this instrument; write allow = [\"its address\"]"
        ));
    }
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    let settings =
        TcpServerSettings { listen: address, allow, max_connections, second_connection, limits, tls };
    Some(Placed { transport: Transport::TcpServer(settings), span: listen.span() })
}

fn tls_server(table: &mut Table<'_>, folder: &Path) -> Option<TlsServerSettings> {
    let certificate = table.required("certificate_file", "\"labwire.pem\"");
    let key = table.required("key_file", "\"labwire.key\"");
    let client_ca = table.entry("client_ca_file").map(|entry| files::certificate(&entry, folder));
    Some(TlsServerSettings {
        certificate_pem: files::certificate(&certificate?, folder)?,
        key_pem: files::private_key(&key?, folder)?,
        client_ca_pem: match client_ca {
            Some(pem) => Some(pem?),
            None => None,
        },
    })
}

fn tls_client(table: &mut Table<'_>, host: &str, folder: &Path) -> Option<TlsClientSettings> {
    let ca = table.required("ca_file", "\"analyzer-ca.pem\"");
    let server_name = table.text("server_name").unwrap_or_else(|| host.to_owned());
    let certificate = table.entry("certificate_file");
    let key = table.entry("key_file");
    let identity = match (&certificate, &key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some((files::certificate(certificate, folder)?, files::private_key(key, folder)?))
        }
        (Some(lonely), None) | (None, Some(lonely)) => {
            lonely.error("certificate_file and key_file belong together; write both or none");
            return None;
        }
    };
    Some(TlsClientSettings { ca_pem: files::certificate(&ca?, folder)?, server_name, identity })
}

fn tcp_client(table: &mut Table<'_>, folder: &Path) -> Option<Placed> {
    let connect = table.required("connect", "\"10.0.0.5:4001\"");
    let limits = limits(table);
    let address = connect.as_ref().and_then(|entry| entry.parsed(host_and_port));
    let host = address.as_deref().and_then(|address| address.rsplit_once(':')).map_or("", |(host, _)| host);
    let tls = table.table("tls", |table| tls_client(table, host.trim_matches(['[', ']']), folder));
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    let connect = connect?;
    let settings = TcpClientSettings { connect: address?, limits, tls };
    Some(Placed { transport: Transport::TcpClient(settings), span: connect.span() })
}

fn limits(table: &mut Table<'_>) -> TcpLimits {
    TcpLimits {
        keep_alive: table.seconds("keep_alive_secs", 1..=3_600).unwrap_or(Duration::from_secs(60)),
        user_timeout: table.seconds("user_timeout_secs", 1..=3_600).unwrap_or(Duration::from_secs(60)),
        idle: table.seconds("idle_secs", 1..=604_800),
    }
}

/// A path, relative to the configuration folder unless it is absolute.
pub(super) fn path(entry: &Entry<'_>, folder: &Path) -> Option<std::path::PathBuf> {
    entry.parsed(|text| match text {
        "" => Err("this path is empty; write where it is".to_owned()),
        text if text.contains('\0') => Err("a path can't hold a zero byte".to_owned()),
        text => Ok(folder.join(text)),
    })
}

/// An IP address and a port other than 0.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().ok().filter(|address: &SocketAddr| address.port() != 0).ok_or_else(|| {
        format!("{text:?} is no address with a port; write one such as \"127.0.0.1:4001\" or \"[::1]:4001\"")
    })
}

pub(super) fn host_and_port(text: &str) -> Result<String, String> {
    let odd = |host: &str| {
        host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
            || (host.contains(':') && !(host.starts_with('[') && host.ends_with(']')))
    };
    match text.rsplit_once(':') {
        Some((host, port)) if !odd(host) && port.parse().is_ok_and(|port: u16| port != 0) => {
            Ok(text.to_owned())
        }
        _ => Err(format!("{text:?} is no host with a port; write one such as \"10.0.0.5:4001\"")),
    }
}

fn network(text: &str) -> Result<Network, String> {
    let fault =
        || format!("{text:?} is no address or network; write one such as \"10.0.0.5\" or \"10.0.1.0/24\"");
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| fault())?;
    if address.to_canonical() != address {
        return Err(format!("{text:?} is an IPv4 address in disguise; write \"{}\"", address.to_canonical()));
    }
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = prefix.map_or(Ok(width), str::parse).map_err(|_| fault())?;
    if prefix > width {
        return Err(format!("{text:?} has too long a prefix; write at most /{width}"));
    }
    Ok(Network { address, prefix })
}
