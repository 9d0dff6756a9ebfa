//! Machines that are made up: trees as the kernel shows them.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A tree with these files (each with its text) and links (each with where it leads).
pub fn tree(files: &[(&str, &str)], links: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (name, text) in files {
        fs::write(place(name), text).unwrap();
    }
    for (name, target) in links {
        symlink(target, place(name)).unwrap();
    }
    root
}

const ADAPTER: &str = "sys/devices/pci0/usb1/1-2";

/// An FTDI adapter as /dev/ttyUSB0, a port on the board, a place without a chip, and ModemManager on the adapter.
pub fn bench_pc() -> TempDir {
    let files = [
        ("sys/devices/pci0/usb1/1-2/idVendor", "0403\n"),
        ("sys/devices/pci0/usb1/1-2/idProduct", "6001\n"),
        ("sys/devices/pci0/usb1/1-2/product", "FT232R USB UART\n"),
        ("sys/devices/pci0/usb1/1-2/serial", "A1B2C3D4\n"),
        ("sys/devices/pci0/usb1/1-2/1-2:1.0/ttyUSB0/port_number", "0\n"),
        ("sys/devices/pnp0/00:01/id", "PNP0501\n"),
        ("sys/devices/platform/serial8250/uevent", "\n"),
        ("sys/class/tty/ttyS0/type", "4\n"),
        ("sys/class/tty/ttyS1/type", "0\n"),
        ("sys/class/tty/console/active", "tty0\n"),
        ("proc/1/comm", "systemd\n"),
        ("proc/812/comm", "ModemManager\n"),
        ("proc/self/comm", "nobody\n"),
        ("dev/ttyUSB0", ""),
        ("dev/ttyS0", ""),
    ];
    let links = [
        ("sys/class/tty/ttyUSB0/device", "../../../devices/pci0/usb1/1-2/1-2:1.0/ttyUSB0"),
        (
            "sys/devices/pci0/usb1/1-2/1-2:1.0/ttyUSB0/driver",
            "../../../../../../bus/usb-serial/drivers/ftdi_sio",
        ),
        ("sys/class/tty/ttyS0/device", "../../../devices/pnp0/00:01"),
        ("sys/devices/pnp0/00:01/driver", "../../../bus/pnp/drivers/serial"),
        ("sys/class/tty/ttyS1/device", "../../../devices/platform/serial8250"),
        ("dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0", "../../ttyUSB0"),
        ("dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0", "../../ttyUSB0"),
        ("proc/812/fd/7", "/dev/ttyUSB0"),
        ("proc/812/fd/8", "/dev/ttyUSB0"),
        ("proc/1/fd/0", "/dev/null"),
    ];
    tree(&files, &links)
}

#[test]
fn a_serial_device_is_told_with_its_names_its_driver_and_who_holds_it() {
    let root = bench_pc();
    let found = Machine::at(root.path()).ports();
    assert!(found.saw_all && found.grabbed.is_empty());
    let board = Port {
        device: "/dev/ttyS0".into(),
        driver: "serial".to_owned(),
        by_id: Vec::new(),
        by_path: Vec::new(),
        usb: None,
        holders: Vec::new(),
    };
    let adapter = Port {
        device: "/dev/ttyUSB0".into(),
        driver: "ftdi_sio".to_owned(),
        by_id: vec!["/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0".into()],
        by_path: vec!["/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0".into()],
        usb: Some(Usb {
            id: "0403:6001".to_owned(),
            product: "FT232R USB UART".to_owned(),
            serial: "A1B2C3D4".to_owned(),
        }),
        holders: vec![Holder { pid: 812, name: "ModemManager".to_owned() }],
    };
    assert_eq!(found.ports, [board, adapter]);
}

#[test]
fn an_adapter_that_a_braille_display_s_program_took_is_told_although_it_has_no_device() {
    let root = bench_pc();
    let driver = root.path().join(ADAPTER).join("1-2:1.0/driver");
    symlink("../../../../../bus/usb/drivers/usbfs", &driver).unwrap();
    fs::create_dir_all(root.path().join("sys/bus/usb/devices")).unwrap();
    for name in ["1-2", "1-2:1.0"] {
        let place = if name == "1-2" { ADAPTER.to_owned() } else { format!("{ADAPTER}/{name}") };
        symlink(root.path().join(place), root.path().join("sys/bus/usb/devices").join(name)).unwrap();
    }
    let grabbed = Machine::at(root.path()).ports().grabbed;
    assert_eq!(grabbed.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["0403:6001"]);
}

#[test]
fn a_machine_without_anything_of_it_has_no_ports() {
    let root = tree(&[], &[]);
    let machine = Machine::at(root.path());
    assert_eq!(machine.ports(), Ports { saw_all: true, ..Ports::default() });
    assert!(!machine.runs("brltty") && !machine.has_rules());
    let pc = bench_pc();
    assert!(Machine::at(pc.path()).runs("ModemManager"));
    let modem_manager = Holder { pid: 812, name: "ModemManager".to_owned() };
    assert_eq!(Machine::at(pc.path()).holders_of(Path::new("/dev/ttyUSB0")), (vec![modem_manager], true));
    assert_eq!(Machine::at(pc.path()).holders_of(Path::new("/dev/ttyS0")), (Vec::new(), true));
    assert_eq!(Machine::at(pc.path()).plain(&pc.path().join("dev/nothing")), None);
    let by_id = pc.path().join("dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0");
    assert_eq!(Machine::at(pc.path()).plain(&by_id), Some("/dev/ttyUSB0".into()));
}
