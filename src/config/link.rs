//! The `[link]` table: how one instrument's line behaves where it differs from its profile.

use std::time::Duration;

use labwire_astm::transfer::{Emit, EndMark, RecordEnd, Settings, Timing, Tolerances};
use labwire_hl7::transfer as mllp;

use super::reader::Table;

const RECORD_ENDS: [(&str, RecordEnd); 2] = [("etx", RecordEnd::Etx), ("etb", RecordEnd::Etb)];
const END_MARKS: [(&str, EndMark); 2] =
    [("last-record", EndMark::LastRecord), ("end-of-transfer", EndMark::EndOfTransfer)];

const RELEASES: [(&str, mllp::Release); 2] = [("1", mllp::Release::One), ("2", mllp::Release::Two)];

/// The profile's line behaviour with the changes that `[link]` makes.
pub(super) fn changed(from: Settings, link: &mut Table<'_>) -> Settings {
    let timing = timing(from.timing, link);
    let tolerances = tolerances(from.tolerances, link);
    Settings {
        timing,
        tries: link.number("tries", 1..=20).unwrap_or(from.tries),
        max_frame_text: link.number("max_frame_text_bytes", 240..=1_048_576).unwrap_or(from.max_frame_text),
        max_transfer: link
            .number("max_transfer_mib", 1_usize..=1_024)
            .map_or(from.max_transfer, |mebibytes| mebibytes * 1024 * 1024),
        emit: Emit {
            max_text: link.number("emit_max_text_bytes", 16..=63_993).unwrap_or(from.emit.max_text),
            record_end: link.choice("emit_record_end", &RECORD_ENDS).unwrap_or(from.emit.record_end),
        },
        end_mark: link.choice("end_mark", &END_MARKS).unwrap_or(from.end_mark),
        tolerances,
    }
}

/// The same for a model that speaks HL7.
pub(super) fn changed_mllp(from: mllp::Settings, link: &mut Table<'_>) -> mllp::Settings {
    let mut wait = |key, default: Duration| link.seconds(key, 1..=3_600).unwrap_or(default);
    let timing = mllp::Timing {
        receive: wait("receive_timeout_secs", from.timing.receive),
        reply: wait("reply_timeout_secs", from.timing.reply),
        ..from.timing
    };
    let max_block = link.number("max_message_mib", 1_usize..=64).map(|mebibytes| mebibytes * 1024 * 1024);
    mllp::Settings {
        timing,
        max_block: max_block.unwrap_or(from.max_block),
        release: link.choice("mllp_release", &RELEASES).unwrap_or(from.release),
        ..from
    }
}

fn timing(from: Timing, link: &mut Table<'_>) -> Timing {
    let mut wait = |key, default: Duration| link.seconds(key, 1..=3_600).unwrap_or(default);
    Timing {
        reply: wait("reply_timeout_secs", from.reply),
        receive: wait("receive_timeout_secs", from.receive),
        busy: wait("busy_wait_secs", from.busy),
        contention: wait("contention_wait_secs", from.contention),
        interrupt: wait("interrupt_wait_secs", from.interrupt),
        quiet: from.quiet,
    }
}

fn tolerances(from: Tolerances, link: &mut Table<'_>) -> Tolerances {
    let mut allow = |key, default: bool| link.flag(key).unwrap_or(default);
    Tolerances {
        lower_case_checksum: allow("lower_case_checksum", from.lower_case_checksum),
        noise_before_frame: allow("noise_before_frame", from.noise_before_frame),
        restart_by_enq: allow("restart_by_enq", from.restart_by_enq),
        keep_alive: allow("keep_alive", from.keep_alive),
        missing_cr_lf: allow("missing_cr_lf", from.missing_cr_lf),
        missing_checksum: allow("missing_checksum", from.missing_checksum),
        missing_eot: allow("missing_eot", from.missing_eot),
        raw_records: allow("raw_records", from.raw_records),
    }
}
