//! Tables of requests: what is read, and which field is named when it is not.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn read_changes(body: &str) -> Read<Op> {
    changes(Bytes::from(body.to_owned())).unwrap()
}

/// The code and the named fields of a refused change request.
fn refused(body: &str) -> (Code, Vec<String>) {
    told(read_changes(body).request.unwrap_err())
}

#[expect(clippy::boxed_local, reason = "errors come boxed")]
fn told(error: Box<ApiError>) -> (Code, Vec<String>) {
    (error.code(), error.problem.errors.iter().map(|error| error.field.clone()).collect())
}

fn with_change(change: &str) -> String {
    format!(r#"{{"event_id":"e","changes":[{{"op":"delete","path":"x"}},{change}]}}"#)
}

#[test]
fn a_whole_request_is_read() {
    let body = r#"{"event_id":"e1","expected_revision":41,"author":{"id":"u","name":"Ada","email":"a@b"},
        "changes":[{"op":"put","path":"a","content":"x\n","mode":"100755","base_oid":null},
                   {"op":"put","path":"b","content":"aGk=","encoding":"base64","from":null},
                   {"op":"delete","path":"c","base_oid":"d670460b4b4aece5915caf5c68d12f560a9fe3e4"},
                   {"op":"rename","path":"d","from":"e"}]}"#;
    let read = read_changes(body);
    let draft = read.request.unwrap();
    assert_eq!((read.event_id.as_deref(), draft.expected_revision), (Some("e1"), Some(41)));
    assert_eq!(draft.author.unwrap().name.as_deref(), Some("Ada"));
    assert_eq!(draft.items.len(), 4);
    let Op::Put { content, mode, base, .. } = &draft.items[0] else { panic!("a put") };
    assert_eq!((content.oid, *mode, *base), (Oid::of_blob(b"x\n"), Some(Mode::Executable), Some(None)));
    assert!(matches!(&draft.items[2], Op::Delete { base: Some(Some(_)), .. }));
}

#[test]
fn wrong_fields_of_a_change_are_named() {
    for (change, field) in [
        (r#"{"op":"put","path":"../a","content":""}"#, "changes[1].path"),
        (r#"{"op":"put","path":7,"content":""}"#, "changes[1].path"),
        (r#"{"op":"put","path":"\ud800","content":""}"#, "changes[1].path"),
        (r#"{"op":"put","path":"a"}"#, "changes[1].content"),
        (r#"{"op":"put","path":"a","content":null}"#, "changes[1].content"),
        (r#"{"op":"put","path":"a","content":"\udfff"}"#, "changes[1].content"),
        (r#"{"op":"put","path":"a","content":"?","encoding":"base64"}"#, "changes[1].content"),
        (r#"{"op":"put","path":"a","content":"","encoding":"latin1"}"#, "changes[1].encoding"),
        (r#"{"op":"put","path":"a","content":"","mode":"160000"}"#, "changes[1].mode"),
        (r#"{"op":"put","path":"a","content":"","mode":100644}"#, "changes[1].mode"),
        (r#"{"op":"put","path":"a","content":"","base_oid":"abc"}"#, "changes[1].base_oid"),
        (r#"{"op":"put","path":"a","content":"","from":"b"}"#, "changes[1].from"),
        (r#"{"op":"put","path":"a","content":"","path":"b"}"#, "changes[1].path"),
        (r#"{"op":"put","path":"a","content":"","colour":"red"}"#, "changes[1].colour"),
        (r#"{"op":"delete","path":"a","content":"x"}"#, "changes[1].content"),
        (r#"{"op":"rename","path":"a"}"#, "changes[1].from"),
        (r#"{"op":"rename","path":"a","from":"a"}"#, "changes[1].path"),
        (r#"{"op":"rename","path":"a","from":"b","mode":"100644"}"#, "changes[1].mode"),
        (r#"{"op":"copy","path":"a"}"#, "changes[1].op"),
        (r#"{"path":"a"}"#, "changes[1].op"),
        ("7", "changes[1]"),
    ] {
        assert_eq!(refused(&with_change(change)), (Code::ValidationFailed, vec![field.to_owned()]), "{change}");
    }
}

#[test]
fn wrong_fields_of_a_request_are_named() {
    let one = r#""changes":[{"op":"delete","path":"x"}]"#;
    for (body, field) in [
        ("[]".to_owned(), "body"),
        (format!("{{{one}}}"), "event_id"),
        (format!(r#"{{"event_id":"",{one}}}"#), "event_id"),
        (format!(r#"{{"event_id":"{}",{one}}}"#, "x".repeat(129)), "event_id"),
        (format!(r#"{{"event_id":"a\u0000",{one}}}"#), "event_id"),
        (r#"{"event_id":"e"}"#.to_owned(), "changes"),
        (r#"{"event_id":"e","changes":[]}"#.to_owned(), "changes"),
        (r#"{"event_id":"e","changes":{}}"#.to_owned(), "changes"),
        (format!(r#"{{"event_id":"e","expected_revision":1e999,{one}}}"#), "expected_revision"),
        (format!(r#"{{"event_id":"e","expected_revision":-1,{one}}}"#), "expected_revision"),
        (format!(r#"{{"event_id":"e","expected_revision":1{},{one}}}"#, "0".repeat(400)), "expected_revision"),
        (format!(r#"{{"event_id":"e","expected_revision":"1",{one}}}"#), "expected_revision"),
        (format!(r#"{{"event_id":"e","author":{{"name":"A"}},{one}}}"#), "author.id"),
        (format!(r#"{{"event_id":"e","author":{{"id":"u","name":""}},{one}}}"#), "author.name"),
        (format!(r#"{{"event_id":"e","author":{{"id":"u","name":"a<b"}},{one}}}"#), "author.name"),
        (format!(r#"{{"event_id":"e","author":{{"id":"u","email":"a\nb"}},{one}}}"#), "author.email"),
        (format!(r#"{{"event_id":"e","author":{{"id":"u","email":"{}"}},{one}}}"#, "x".repeat(255)), "author.email"),
        (format!(r#"{{"event_id":"e","author":{{"id":"u","age":3}},{one}}}"#), "author.age"),
        (format!(r#"{{"event_id":"e","author":"u",{one}}}"#), "author"),
        (format!(r#"{{"event_id":"e","more":1,{one}}}"#), "more"),
    ] {
        assert_eq!(refused(&body), (Code::ValidationFailed, vec![field.to_owned()]), "{body}");
    }
}

#[test]
fn the_event_id_is_found_beside_wrong_fields() {
    let read = read_changes(r#"{"changes":[{"op":"no"}],"event_id":"e9","x":1}"#);
    assert_eq!((read.event_id.as_deref(), read.request.is_err()), (Some("e9"), true));
}

#[test]
fn what_is_no_json_is_malformed() {
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    for body in ["", "{", "{}x", "nul", "\u{feff}{}", r#"{"a":01}"#, "{\"a\":\"\n\"}", r#"{"a":"\x"}"#, &deep(64)] {
        assert_eq!(changes(Bytes::from(body.to_owned())).unwrap_err().code(), Code::Malformed, "{body}");
    }
    assert_eq!(changes(Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err().code(), Code::Malformed);
    assert_eq!(refused(&deep(63)).0, Code::ValidationFailed);
}

#[test]
fn limits_are_told_by_their_own_codes() {
    let many = |count: usize| {
        format!(r#"{{"event_id":"e","changes":[{}]}}"#, vec![r#"{"op":"delete","path":"x"}"#; count].join(","))
    };
    assert!(read_changes(&many(10_000)).request.is_ok());
    assert_eq!(refused(&many(10_001)), (Code::PayloadTooLarge, vec!["changes".to_owned()]));
    let large = with_change(&format!(r#"{{"op":"put","path":"big.bin","content":"{}"}}"#, "x".repeat((50 << 20) + 1)));
    let error = read_changes(&large).request.unwrap_err();
    assert!(error.problem.detail.contains("big.bin"));
    assert_eq!(told(error), (Code::FileTooLarge, vec!["changes[1].content".to_owned()]));
}

#[test]
fn a_flood_of_fields_or_errors_stays_small() {
    let fields: Vec<String> = (0..100_000).map(|number| format!(r#""f{number}":1"#)).collect();
    assert_eq!(refused(&format!("{{{}}}", fields.join(","))).1.len(), 34);
    let wrong = format!(r#"{{"event_id":"e","changes":[{}]}}"#, vec!["1"; 10_000].join(","));
    assert_eq!(refused(&wrong).1.len(), 100);
}

#[test]
fn trees_have_content_or_oid() {
    let of = |file: &str| tree(Bytes::from(format!(r#"{{"event_id":"e","files":[{file}]}}"#))).unwrap().request;
    let oid = "d670460b4b4aece5915caf5c68d12f560a9fe3e4";
    assert!(of(&format!(r#"{{"path":"a","oid":"{oid}"}},{{"path":"b","content":"x","mode":"120000"}}"#)).is_ok());
    for (file, field) in [
        (r#"{"path":"a"}"#.to_owned(), "files[0].content"),
        (format!(r#"{{"path":"a","oid":"{oid}","content":"x"}}"#), "files[0].oid"),
        (r#"{"path":"a","oid":"zz"}"#.to_owned(), "files[0].oid"),
        (r#"{"path":"a","content":"x","op":"put"}"#.to_owned(), "files[0].op"),
        (String::new(), "files"),
    ] {
        assert_eq!(told(of(&file).unwrap_err()), (Code::ValidationFailed, vec![field.to_owned()]), "{file}");
    }
    let empty = |allow: &str| {
        tree(Bytes::from(format!(r#"{{"event_id":"e","allow_empty":{allow},"files":[]}}"#))).unwrap().request
    };
    assert!(empty("true").is_ok() && empty("false").is_err() && empty("1").is_err());
}
