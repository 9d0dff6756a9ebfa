//! What the sending half does by the standard, timer by timer.

use super::script::{check, check_whole, check_with};

#[test]
fn a_message_is_sent_frame_by_frame() {
    check(
        r"
        queue 7 H|\^&\rP|1\rL|1\r
        send ENQ
        doing asking the analyzer to take a message
        > ACK
        send 1:H|\^&\r ETX
        doing sending a message
        > ACK
        send 2:P|1\r ETX
        > ACK
        send 3:L|1\r ETX
        > ACK
        send EOT
        sent 7 delivered
        timer none
        ",
    );
}

#[test]
fn a_record_longer_than_a_frame_is_split_with_etb() {
    check_with(
        |settings| settings.emit.max_text = 10,
        r"
        queue 7 H|\^&|||Host\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&|||Ho ETB
        > ACK
        send 2:st\r ETX
        > ACK
        send 3:L|1\r ETX
        > ACK
        send EOT
        sent 7 delivered
        ",
    );
}

#[test]
fn a_last_record_without_cr_gets_one() {
    check(
        r"
        queue 7 H|\^&\rL|1
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        > ACK
        send 2:L|1\r ETX
        ",
    );
}

#[test]
fn a_message_that_frames_can_not_carry_is_refused_at_once() {
    for content in [r"H|\^&\nL|1\r", r"H|\x05\r", ""] {
        check(&format!("queue 7 {content}\nnote unsendable\nsent 7 refused"));
    }
}

#[test]
fn messages_are_sent_one_a_transfer_with_a_pause_between() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        queue 2 L|2\r
        > ACK
        send 1:L|1\r ETX
        > ACK
        send EOT
        sent 1 delivered
        doing waiting to send
        timer 1s
        wait 1s
        send ENQ
        > ACK
        send 1:L|2\r ETX
        > ACK
        send EOT
        sent 2 delivered
        ",
    );
}

#[test]
fn an_enq_that_nobody_answers_is_given_up_after_15_seconds() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        timer 15s
        wait 14.9s
        wait 0.1s
        note no-answer
        send EOT
        sent 1 refused
        ",
    );
}

#[test]
fn after_a_failure_the_next_message_waits_until_no_late_answer_can_come() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        queue 2 L|2\r
        wait 15s
        note no-answer
        send EOT
        sent 1 refused
        doing waiting to send after a failure
        > ACK
        note noise
        timer 10s
        wait 10s
        send ENQ
        ",
    );
}

#[test]
fn a_peer_that_asks_again_at_once_is_answered_as_soon_as_it_is_done() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > ACK
        send EOT
        sent 1 delivered
        > ENQ
        began
        send ACK
        queue 2 L|2\r
        > 1:L|1\r ETX
        store 0 ends 4
        ~ stored 0
        send ACK
        > EOT
        ended
        send ENQ
        ",
    );
}

#[test]
fn a_busy_peer_is_asked_again_every_10_seconds_up_to_six_times() {
    let mut script = "queue 1 L|1\\r\nsend ENQ\n".to_owned();
    for _ in 1..6 {
        script += "> NAK\nnote peer-busy\ndoing waiting to send: the analyzer is busy\n";
        script += "wait 9.9s\nwait 0.1s\nsend ENQ\n";
    }
    check(&(script + "> NAK\nnote peer-busy\nsent 1 refused\nwait 3600s"));
}

#[test]
fn a_busy_peer_may_transmit_before_it_is_asked_again() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > NAK
        note peer-busy
        wait 5s
        > ENQ
        began
        send ACK
        wait 20s
        > EOT
        note keep-alive
        ended
        send ENQ
        > ACK
        send 1:L|1\r ETX
        ",
    );
}

#[test]
fn anything_that_is_no_answer_to_an_enq_is_ignored() {
    check(
        r#"
        queue 1 L|1\r
        send ENQ
        > "?" EOT STX
        wait 10s
        > ACK
        send 1:L|1\r ETX
        "#,
    );
}

#[test]
fn a_frame_that_is_not_acknowledged_is_sent_six_times_and_then_given_up() {
    let mut script = "queue 1 H|\\^&\\rL|1\\r\nsend ENQ\n> ACK\nsend 1:H|\\^&\\r ETX\n".to_owned();
    for _ in 1..6 {
        script += "> NAK\nnote frame-refused\nsend 1:H|\\^&\\r ETX\n";
    }
    check(&(script + "> NAK\nnote frame-refused\nsend EOT\nsent 1 refused"));
}

#[test]
fn a_vendor_that_wants_three_tries_gets_three() {
    check_with(
        |settings| settings.tries = 3,
        r"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > NAK
        note frame-refused
        send 1:L|1\r ETX
        > NAK
        note frame-refused
        send 1:L|1\r ETX
        > NAK
        note frame-refused
        send EOT
        sent 1 refused
        ",
    );
}

#[test]
fn tries_are_counted_per_frame() {
    let mut script = "queue 1 H|\\^&\\rL|1\\r\nsend ENQ\n> ACK\nsend 1:H|\\^&\\r ETX\n".to_owned();
    for frame in [r"1:H|\^&\r ETX", r"2:L|1\r ETX"] {
        for _ in 1..6 {
            script += &format!("> NAK\nnote frame-refused\nsend {frame}\n");
        }
        let next =
            if frame.starts_with('1') { "send 2:L|1\\r ETX\n" } else { "send EOT\nsent 1 delivered\n" };
        script += &format!("> ACK\n{next}");
    }
    check(&script);
}

#[test]
fn any_answer_but_ack_and_eot_brings_the_same_frame_again_once_the_line_is_quiet() {
    for garbage in ["ENQ", "STX", r#""\x86""#, r#""?!" ENQ STX "x""#] {
        check(&format!(
            r"
            queue 1 H|\^&\rL|1\r
            send ENQ
            > ACK
            send 1:H|\^&\r ETX
            > {garbage}
            timer 1s
            wait 1s
            note garbled-answer
            send 1:H|\^&\r ETX
            timer 15s
            > ACK
            wait 1s
            send 2:L|1\r ETX
            "
        ));
    }
}

#[test]
fn the_second_of_two_answers_to_a_repeated_frame_is_not_credited_to_the_next() {
    check(
        r#"
        slow line
        queue 1 H|\^&\rL|1\r
        send ENQ
        ~ written
        > ACK
        send 1:H|\^&\r ETX
        > "noise before the frame is on the line"
        timer none
        ~ written
        > "noise"
        wait 1s
        note garbled-answer
        send 1:H|\^&\r ETX
        > ACK
        timer none
        ~ written
        timer 1s
        wait 0.5s
        > ACK
        timer 1s
        wait 1s
        send 2:L|1\r ETX
        ~ written
        > ACK
        send EOT
        sent 1 delivered
        "#,
    );
}

#[test]
fn noise_around_an_answer_does_not_hide_it() {
    check(
        r#"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        > "\x00\xFF"
        wait 0.5s
        > ACK
        send 2:L|1\r ETX
        timer 15s
        > "~"
        > NAK
        note frame-refused
        send 2:L|1\r ETX
        "#,
    );
}

#[test]
fn endless_noise_is_no_answer() {
    let noise = "> \"~\"\nwait 0.9s\n".repeat(16);
    check(&format!(
        "queue 1 H|\\^&\\rL|1\\r\nsend ENQ\n> ACK\nsend 1:H|\\^&\\r ETX\n{noise}> \"~\"\nwait 0.6s\n
        note no-answer\nsend EOT\nsent 1 refused"
    ));
}

#[test]
fn a_first_frame_that_nobody_answers_was_never_taken() {
    check(
        r"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        timer 15s
        wait 15s
        note no-answer
        send EOT
        sent 1 refused
        ",
    );
}

#[test]
fn a_last_frame_that_nobody_answers_may_have_arrived() {
    check(
        r"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        > ACK
        send 2:L|1\r ETX
        wait 15s
        note no-answer
        send EOT
        sent 1 unknown
        ",
    );
}

#[test]
fn a_last_frame_with_one_garbled_answer_may_have_arrived_although_the_rest_were_naks() {
    let naks = "> NAK\nnote frame-refused\nsend 1:L|1\\r ETX\n".repeat(4);
    check(&format!(
        r#"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > "?"
        wait 1s
        note garbled-answer
        send 1:L|1\r ETX
        {naks}
        > NAK
        note frame-refused
        send EOT
        sent 1 unknown
        "#
    ));
}

#[test]
fn a_receiver_that_interrupts_is_left_alone_for_15_seconds() {
    check(
        r"
        queue 1 H|\^&\rP|1\rL|1\r
        send ENQ
        queue 2 L|2\r
        > ACK
        send 1:H|\^&\r ETX
        > EOT
        note interrupted
        send EOT
        sent 1 interrupted
        doing waiting to send: the analyzer interrupted
        timer 15s
        wait 14.9s
        wait 0.1s
        send ENQ
        ",
    );
}

#[test]
fn a_receiver_that_interrupts_may_transmit_at_once() {
    check(
        r"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        > EOT ENQ
        note interrupted
        send EOT
        sent 1 interrupted
        began
        send ACK
        ",
    );
}

#[test]
fn an_interrupt_in_answer_to_the_last_frame_is_an_acknowledgement() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > EOT
        note interrupted
        send EOT
        sent 1 delivered
        ",
    );
}

#[test]
fn an_eot_after_a_garbled_answer_may_mean_something_else() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > ENQ
        wait 1s
        note garbled-answer
        send 1:L|1\r ETX
        > EOT
        note interrupted
        send EOT
        sent 1 unknown
        ",
    );
}

#[test]
fn the_time_to_answer_runs_from_the_moment_the_frame_is_on_the_line() {
    check(
        r"
        slow line
        queue 1 L|1\r
        send ENQ
        timer none
        wait 20s
        ~ written
        timer 15s
        > ACK
        send 1:L|1\r ETX
        timer none
        wait 67s
        ~ written
        timer 15s
        wait 10s
        > NAK
        note frame-refused
        send 1:L|1\r ETX
        timer none
        wait 67s
        ~ written
        wait 15s
        note no-answer
        send EOT
        sent 1 unknown
        ",
    );
}

#[test]
fn a_message_waits_until_the_peer_has_ended_its_transmission() {
    check(
        r"
        > ENQ
        began
        send ACK
        queue 1 L|1\r
        doing receiving a transmission
        timer 30s
        > 1:H|\^&\rQ|1\rL|1\r ETX
        store 0 ends 14
        ~ stored 0
        send ACK
        > EOT
        ended
        send ENQ
        > ACK
        send 1:L|1\r ETX
        ",
    );
}

#[test]
fn the_peers_next_transmission_goes_before_a_message_that_waits() {
    check_whole(
        r"
        > ENQ
        began
        send ACK
        queue 1 L|1\r
        > 1:L|1\r ETX
        store 0 ends 4
        ~ stored 0
        send ACK
        > EOT ENQ
        ended
        began
        send ACK
        wait 30s
        cut silence
        send ENQ
        ",
    );
}

#[test]
fn an_enq_right_behind_the_last_answer_is_the_peers_next_transmission() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        > ACK
        send 1:L|1\r ETX
        > ACK ENQ
        send EOT
        sent 1 delivered
        began
        send ACK
        ",
    );
}

#[test]
fn a_lost_connection_settles_every_message() {
    check(
        r"
        queue 1 L|1\r
        send ENQ
        queue 2 L|2\r
        > ACK
        send 1:L|1\r ETX
        ~ disconnected
        sent 1 unknown
        sent 2 refused
        queue 3 L|3\r
        note not-connected
        sent 3 refused
        timer none
        ~ connected
        queue 4 H|\^&\rL|4\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        ~ disconnected
        sent 4 refused
        ~ connected
        queue 5 L|5\r
        send ENQ
        ~ disconnected
        sent 5 refused
        ",
    );
}
