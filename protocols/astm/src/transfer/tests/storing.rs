//! What lies between a frame and its acknowledgement: the disk.

use super::script::{check, check_whole};

#[test]
fn a_frame_is_acknowledged_when_it_is_stored_and_not_before() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        wait 3600s
        timer none
        ~ stored 0
        send ACK
        timer 30s
        ",
    );
}

#[test]
fn the_line_is_idle_only_between_transmissions() {
    check(
        r"
        idle yes
        > ENQ
        began
        send ACK
        idle no
        > 1:H|\^&\r ETX
        store 0
        idle no
        ~ stored 0
        send ACK
        > EOT
        ended
        idle yes
        queue 7 L|1\r
        send ENQ
        idle no
        > ACK
        send 1:L|1\r ETX
        > ACK
        send EOT
        sent 7 delivered
        idle yes
        ",
    );
}

#[test]
fn only_the_receipt_for_the_frame_in_flight_earns_its_acknowledgement() {
    check(
        r"
        > ENQ
        began
        send ACK
        ~ stored 0
        > 1:H|\^&\r ETX
        store 0
        ~ stored 1
        ~ failed 7
        ~ stored 0
        send ACK
        ~ stored 0
        ~ failed 0
        ",
    );
}

#[test]
fn a_frame_that_could_not_be_stored_is_refused_and_stored_when_it_comes_again() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ failed 0
        note not-stored
        send NAK
        > 1:H|\^&\r ETX
        store 1
        ~ stored 1
        send ACK
        > 1:H|\^&\r ETX
        note repeated-frame
        wait 1s
        send ACK
        ",
    );
}

#[test]
fn a_frame_that_could_not_be_stored_leaves_no_trace_in_the_message() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H!\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 2:H|\^&\rL ETB
        store 1
        ~ failed 1
        note not-stored
        send NAK
        > 2:L!1\r ETX
        store 2 ends 4
        ",
    );
}

#[test]
fn what_arrives_while_a_frame_is_stored_is_taken_afterwards() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX 2:L|1\r ETX EOT ENQ
        store 0
        wait 2s
        ~ stored 0
        send ACK
        store 1 ends 4
        ~ stored 1
        send ACK
        ended
        began
        send ACK
        ",
    );
}

#[test]
fn a_copy_that_arrives_while_its_frame_is_stored_shares_the_one_answer() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        wait 5s
        > 1:H|\^&\r ETX
        wait 5s
        ~ stored 0
        send ACK
        note repeated-frame
        > 2:L|1\r ETX
        store 1 ends 4
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn a_copy_that_ends_after_the_answer_gets_its_own() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > STX "1H|\^"
        ~ stored 0
        send ACK
        > "&\r" ETX "E5" CR LF
        note repeated-frame
        wait 1s
        send ACK
        "#,
    );
}

#[test]
fn a_copy_of_a_frame_that_could_not_be_stored_is_stored_without_a_nak() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > 1:H|\^&\r ETX
        ~ failed 0
        note not-stored
        note answered-too-late
        store 1
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn a_peer_that_gave_up_waiting_gets_no_late_answer() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        wait 15s
        > EOT ENQ
        ~ stored 0
        note answered-too-late
        ended
        began
        send ACK
        > 1:H|\^&\r ETX
        store 1
        > ENQ
        ~ stored 1
        note answered-too-late
        note restarted
        cut restarted
        began
        send ACK
        ",
    );
}

#[test]
fn a_peer_that_never_waits_for_answers_gets_them_all() {
    check(
        r"
        > ENQ 1:H|\^&\rL|1\r ETX EOT ENQ 1:L|1\r ETX EOT
        began
        send ACK
        store 0 ends 10
        ~ stored 0
        send ACK
        ended
        began
        send ACK
        store 1 ends 4
        ~ failed 1
        note not-stored
        send NAK
        ended
        ",
    );
}

/// What a host finds that was held up for longer than the analyzer's timer. Two answers to it would be one too many
/// from then on, and in the end a frame that was refused would count as acknowledged.
#[test]
fn a_peer_that_asked_again_and_again_gets_one_answer() {
    check_whole(
        r"
        > ENQ EOT ENQ EOT ENQ
        began
        note answered-too-late
        note keep-alive
        ended
        began
        note answered-too-late
        note keep-alive
        ended
        began
        send ACK
        > 1:H|\^&\r ETX EOT ENQ
        store 0
        ~ stored 0
        note answered-too-late
        ended
        began
        send ACK
        > 1:H|\^&\r ETX 1:H|\^&\r ETX EOT ENQ
        store 1
        ~ stored 1
        note answered-too-late
        note repeated-frame
        ended
        began
        send ACK
        > 1:H|\^&\r ETX 1:H|\^&\r ETX 1:H|\^&\r ETX ENQ
        store 2
        ~ stored 2
        note answered-too-late
        note repeated-frame
        note repeated-frame
        note restarted
        cut restarted
        began
        send ACK
        > bad 1:H|\^&\r ETX EOT ENQ
        note bad-checksum
        note answered-too-late
        ended
        began
        send ACK
        ",
    );
    check_whole(
        r"
        ~ busy
        > ENQ EOT ENQ
        note busy
        note answered-too-late
        note noise
        note busy
        send NAK
        ",
    );
}

/// One that asks whether anybody is there, and doesn't wait before it hangs up.
#[test]
fn an_enq_is_answered_though_its_eot_came_with_it() {
    check_whole(
        r"
        > ENQ EOT
        began
        send ACK
        note keep-alive
        ended
        ",
    );
}

#[test]
fn a_receipt_that_comes_after_the_connection_is_lost_is_ignored() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > 2:L|1\r ETX
        ~ disconnected
        cut disconnected
        ~ stored 0
        ~ connected
        > ENQ
        began
        send ACK
        ~ stored 0
        > 1:H|\^&\r ETX
        store 1
        ~ stored 0
        ~ failed 0
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn a_peer_that_never_waits_can_not_fill_the_memory() {
    let flood = format!(r"1:{}\r ETX ", "x".repeat(200)).repeat(400);
    check(&format!(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > {flood}
        note overrun
        ~ disconnected
        cut disconnected
        "
    ));
}

#[test]
fn after_too_much_was_sent_nothing_is_taken_until_the_rest_is_stored() {
    let most = "x".repeat(64_007 - 11 - 7);
    check(&format!(
        r#"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > 2:P|1\r ETX "{most}" STX "3L|1\r" ETX "these are lost"
        note overrun
        ~ stored 0
        send ACK
        store 1
        > "3C\r\n"
        ~ stored 1
        send ACK
        note noise
        > EOT
        wait 1s
        note broken-frame
        ended
        "#
    ));
}

#[test]
fn after_too_much_was_sent_no_no_frame_is_joined_from_two_halves() {
    let most = "x".repeat(64_000);
    check(&format!(
        r#"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        > "{most}" STX "2L|1\r" ETX "these are lost"
        note overrun
        ~ stored 0
        send ACK
        note noise
        > "3B\r\n"
        note oversize-frame
        send NAK
        > 2:L|1\r ETX
        store 1 ends 4
        "#
    ));
}
