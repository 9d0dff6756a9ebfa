//! What a check says of folders, devices and ports, in temporary folders and on ports that the system chose.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;

use super::*;

const INSTRUMENT: &str = "profile = \"erba-xl\"\ntime_zone = \"UTC\"\n";

/// A folder with a page on `page`, a journal beside it and one instrument.
fn folder(page: SocketAddr, transport: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let site = format!(
        "site = \"A\"\ncontrol_socket = \"sock\"\n[journal]\npath = \"journal.db\"\nreserve_mib = 16\n[page]\nlisten = \
         \"{page}\"\n[destination.lims]\nurl = \"https://lims.example/\"\n"
    );
    for (name, text) in [
        ("labwire.toml", site.as_str()),
        ("instruments.d/a.toml", &format!("{INSTRUMENT}{transport}")),
        ("by-id/.keep", ""),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::remove_file(folder.path().join("by-id/.keep")).unwrap();
    folder
}

/// A loopback address that nobody listens on: the last byte is the test's own.
fn free(own: u8) -> SocketAddr {
    TcpListener::bind(SocketAddr::from(([127, 77, 77, own], 0))).unwrap().local_addr().unwrap()
}

/// The report, with the folder's path as `DIR`.
fn told(folder: &TempDir) -> (String, Exit) {
    let report = report(folder.path(), &folder.path().join("by-id"));
    (report.text.replace(&folder.path().display().to_string(), "DIR"), report.exit)
}

const SERIAL: &str = "[serial]\ndevice = \"ttyUSB0\"\n";
const RIGHT: &str = "the configuration is right: 1 instrument, 1 destination, ";

#[test]
fn a_right_configuration_on_a_ready_machine_is_told_as_such() {
    let folder = folder(free(1), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let mut out = Vec::new();
    assert_eq!(run(folder.path(), &mut out), Exit::Done);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_wrong_configuration_ends_with_78() {
    let folder = folder(free(2), "[serial]\ndevice = \"x\"\nparity = \"evn\"\n");
    let expected = "instruments.d/a.toml:5:10: unknown parity \"evn\"; write \"none\", \"even\" or \"odd\"\n\
                    the configuration can't be used: 1 error\n";
    assert_eq!(told(&folder), (expected.to_owned(), Exit::Configuration));
    assert_eq!(Exit::Configuration.code(), 78);
}

#[test]
fn a_log_filter_that_cannot_be_understood_ends_with_78() {
    let folder = folder(free(3), SERIAL);
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + "[log]\nfilter = \"labwire=loud\"\n";
    fs::write(&file, site).unwrap();
    let (text, exit) = told(&folder);
    assert!(text.starts_with("labwire.toml: unknown [log] filter \"labwire=loud\""), "{text}");
    assert_eq!(exit, Exit::Configuration);
}

#[test]
fn a_missing_device_is_told_with_what_is_plugged_in() {
    let folder = folder(free(4), SERIAL);
    let warning = "warning: instruments.d/a.toml: DIR/ttyUSB0 isn't there; ";
    let (text, exit) = told(&folder);
    assert_eq!(text, format!("{warning}no adapter is listed in /dev/serial/by-id\n{RIGHT}1 warning\n"));
    assert_eq!(exit, Exit::Done);

    fs::write(folder.path().join("by-id/usb-Example-if00"), "").unwrap();
    let (text, _) = told(&folder);
    assert_eq!(text, format!("{warning}plugged in: DIR/by-id/usb-Example-if00\n{RIGHT}1 warning\n"));
}

#[test]
fn a_device_name_that_can_change_is_told_with_the_one_that_stays() {
    let here = folder(free(5), SERIAL);
    fs::write(here.path().join("ttyUSB0"), "").unwrap();
    symlink("../ttyUSB0", here.path().join("by-id/usb-Example-if00")).unwrap();
    let (text, _) = told(&here);
    assert_eq!(
        text,
        format!(
            "warning: instruments.d/a.toml: DIR/ttyUSB0 can change its name when adapters are plugged in again; \
             write DIR/by-id/usb-Example-if00\n{RIGHT}1 warning\n"
        )
    );

    for chosen in ["by-id/usb-Example-if00", "analyzer"] {
        let file = here.path().join("instruments.d/a.toml");
        fs::write(file, format!("{INSTRUMENT}[serial]\ndevice = \"{chosen}\"\n")).unwrap();
        let _ = symlink("ttyUSB0", here.path().join("analyzer"));
        assert_eq!(told(&here).0, format!("{RIGHT}0 warnings\n"), "{chosen}");
    }
}

#[test]
fn a_missing_folder_of_reports_is_told() {
    let folder = folder(free(9), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap() + "[reconciliation]\nfolder = \"reports\"\n";
    fs::write(&file, site).unwrap();
    let warning = "warning: labwire.toml: the folder of the reports, DIR/reports, isn't there; create it\n";
    assert_eq!(told(&folder), (format!("{warning}{RIGHT}1 warning\n"), Exit::Done));
    fs::create_dir(folder.path().join("reports")).unwrap();
    assert_eq!(told(&folder).0, format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_port_in_use_is_told_unless_a_gateway_runs() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = folder(free(6), &format!("[tcp_server]\nlisten = \"{address}\"\n"));
    let (text, exit) = told(&folder);
    assert!(
        text.starts_with(&format!("warning: instruments.d/a.toml: failed to listen on {address}: ")),
        "{text}"
    );
    assert_eq!(exit, Exit::Done);

    let _gateway = UnixListener::bind(folder.path().join("sock")).unwrap();
    assert_eq!(told(&folder).0, format!("{RIGHT}0 warnings\n"));
}

#[test]
fn a_journal_without_a_folder_or_without_room_is_told() {
    let folder = folder(free(7), "[tcp_client]\nconnect = \"10.0.0.5:4001\"\n");
    let file = folder.path().join("labwire.toml");
    let site = fs::read_to_string(&file).unwrap();
    fs::write(&file, site.replace("journal.db", "nowhere/journal.db")).unwrap();
    let obstacle = "labwire.toml: the journal's folder DIR/nowhere isn't there; create it\n";
    let verdict = "the configuration is right, and labwire can't start with it on this machine\n";
    assert_eq!(told(&folder), (format!("{obstacle}{verdict}"), Exit::Failed));

    let mebibytes = |count: u64| count * 1024 * 1024;
    assert_eq!(room(Path::new("/j"), mebibytes(16), mebibytes(16)), None);
    assert_eq!(
        room(Path::new("/j"), mebibytes(15), mebibytes(16)).unwrap().to_string(),
        "labwire.toml: 15 MiB are free in /j, less than reserve_mib; no transmission would be accepted"
    );
}
