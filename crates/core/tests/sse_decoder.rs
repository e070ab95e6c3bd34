//! What the decoder promises beyond the standard: borrowing, comments, ids over reconnects, limits.

use highwater_core::{SseDecoder, SseEvent, SseItem};

fn only_event<'a, 'c: 'a>(decoder: &'a mut SseDecoder, rest: &mut &'c [u8]) -> SseEvent<'a> {
    match decoder.next(rest) {
        Some(SseItem::Event(event)) => event,
        other => panic!("{other:?}"),
    }
}

/// Whether `part` lies in `whole`, rather than being a copy.
fn borrowed(whole: &[u8], part: &[u8]) -> bool {
    whole.as_ptr_range().contains(&part.as_ptr())
}

#[test]
fn an_event_whole_in_the_chunk_is_not_copied() {
    let chunk = b"event: put\nid: 7\ndata: {\"a\":1}\n\n";
    let mut decoder = SseDecoder::new();
    let mut rest = &chunk[..];
    let event = only_event(&mut decoder, &mut rest);
    assert_eq!((event.kind, event.data, event.id), (&b"put"[..], &b"{\"a\":1}"[..], "7"));
    assert!(borrowed(chunk, event.data) && borrowed(chunk, event.kind));
    assert_eq!(rest, b"");
}

#[test]
fn comments_are_reported_once_when_nothing_else_is() {
    let count = |chunk: &[u8]| {
        let mut decoder = SseDecoder::new();
        let mut rest = chunk;
        let mut comments = 0;
        while let Some(item) = decoder.next(&mut rest) {
            comments += usize::from(item == SseItem::Comment);
        }
        comments
    };
    assert_eq!(count(b":\n\n:\n\n: still here\n"), 1);
    assert_eq!(count(b": before\ndata: it is the event that shows life\n\n"), 0);
    assert_eq!(count(b"data: x\n\n:\n"), 1);
    assert_eq!(count(b": not yet ended"), 0);
    assert_eq!(count(b"data: open\n:\n"), 1);
}

#[test]
fn the_last_event_id_outlives_the_connection() {
    let mut decoder = SseDecoder::new();
    decoder.set_last_event_id("a.1");
    let mut rest = &b"data: x\n\nid: b.2\n\nid: c.3\ndata: cut of"[..];
    assert_eq!(only_event(&mut decoder, &mut rest).id, "a.1");
    assert_eq!(decoder.next(&mut rest), None);
    decoder.finish();
    assert_eq!((decoder.last_event_id(), decoder.offset()), ("b.2", 0));
    let mut rest = &b"\xef\xbb\xbfdata: y\n\n"[..];
    let event = only_event(&mut decoder, &mut rest);
    assert_eq!((event.data, event.id), (&b"y"[..], "b.2"));
}

#[test]
fn text_is_decoded_only_when_asked_for() {
    let mut decoder = SseDecoder::new();
    let mut rest = &b"event: \xff\ndata: \xe2\x82\ndata: \xc3\xa9\n\n"[..];
    let event = only_event(&mut decoder, &mut rest);
    assert_eq!(event.data, b"\xe2\x82\n\xc3\xa9");
    assert_eq!((&*event.kind_text(), &*event.data_text()), ("\u{fffd}", "\u{fffd}\n\u{e9}"));
}

#[test]
fn an_event_of_just_the_limit_is_taken() {
    let mut decoder = SseDecoder::with_limit(8);
    let mut rest = &b"data:12345678\n\ndata:123\ndata:4567\n\nevent:1\nid:22\ndata:34567\n\n"[..];
    let mut taken = 0;
    while let Some(item) = decoder.next(&mut rest) {
        assert!(matches!(item, SseItem::Event(_)), "{item:?}");
        taken += 1;
    }
    assert_eq!(taken, 3);
}

#[test]
fn a_dropped_event_leaves_no_trace() {
    let mut decoder = SseDecoder::with_limit(4);
    let mut rest = &b"id:1\ndata:ok\n\nid:2\nevent:e\ndata:12345\nretry:5\nid:3\n\ndata:ok\n\n"[..];
    let mut said = Vec::new();
    while let Some(item) = decoder.next(&mut rest) {
        said.push(format!("{item:?}"));
    }
    let event = r#"Event(SseEvent { kind: [109, 101, 115, 115, 97, 103, 101], data: [111, 107], id: "1" })"#;
    assert_eq!(said, [event, "TooLarge { limit: 4, offset: 14 }", "Retry(5)", event]);
    assert_eq!(decoder.last_event_id(), "1");
}
