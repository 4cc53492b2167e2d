//! What a script may do to hurt, and that it can't.

use super::*;

/// The stream ends with this fault.
#[track_caller]
fn ends(config: &Value, code: u32, message: &str) {
    let fault = try_run(config, orders(&["a", "b"])).unwrap_err();
    assert_eq!((fault.code.0, fault.message.as_str()), (code, message), "{config}");
}

fn briefly(body: &str) -> Value {
    let mut config = on_message(body);
    config["limits"] = json!({ "time": "30ms", "memory": "4MiB" });
    config
}

#[test]
fn a_loop_is_ended_by_its_time_wherever_it_is() {
    let told = "stage script, onMessage, record 2: the script took more than 30ms";
    for body in [
        "while (row.n == 2);",
        "if (row.n == 2) try { while (true); } catch { }",
        "if (row.n == 2) try { while (true); } finally { return row }",
        "if (row.n == 2) { const f = () => { Promise.resolve().then(f); }; f(); }",
        "if (row.n == 2) return (async () => { while (true) await 0; })()",
        "if (row.n == 2) return { get n() { while (true); } }",
        "if (row.n == 2) throw { toString() { while (true); } }",
        "if (row.n == 2) /(a+)+$/.test('a'.repeat(40) + 'b')",
        "if (row.n == 2) new Proxy({}, { get() { while (true); } }).x",
        "if (row.n == 2) [3, 2, 1].sort(() => { while (true); })",
        "if (row.n == 2) for (;;) console.log('again and again')",
    ] {
        ends(&briefly(body), 3173, told);
    }
}

#[test]
fn memory_is_bounded_whatever_it_is_used_for() {
    let told = "stage script, onMessage, record 1: the script needs more than 4MiB";
    for body in [
        "const a = []; for (;;) a.push({ a: 1 });",
        "let s = 'x'; for (;;) { s += s; s.charCodeAt(0); }",
        "new Uint8Array(1 << 28)",
        "for (;;) emit('out', row);",
        "const name = 'x'.repeat(100000); for (;;) emit('out', { name });",
    ] {
        let mut config = briefly(body);
        config["limits"]["time"] = json!("1m");
        ends(&config, 3174, told);
    }
}

/// A list of texts, each long and the same, takes no memory in JavaScript.
#[test]
fn a_value_that_grows_on_its_way_into_a_column_is_refused() {
    let body = "const s = 'x'.repeat(100000); row.tags = Array(1000).fill(s); return row";
    let mut config = briefly(body);
    config["outputs"] = json!({ "out": { "add": [{ "name": "tags", "type": "list<string>" }] } });
    let out = run(&config, orders(&["a"]));
    let told = "the value takes more memory than limits.memory allows";
    assert!(refused(&out)[0].contains(told), "{:?}", refused(&out));
    config["script"] = json!(
        "export function onMessage(row) { const t = []; t.length = 4294967295; row.tags = t }"
    );
    let out = run(&config, orders(&["a"]));
    assert!(refused(&out)[0].contains(told), "{:?}", refused(&out));
}

#[test]
fn nothing_ends_the_process() {
    for body in [
        "const f = () => f(); f()",
        "let a = []; for (let i = 0; i < 20000; i++) a = [a]; JSON.stringify(a)",
        "let o = {}; for (let i = 0; i < 20000; i++) o = { o }; return o",
        "Error.prepareStackTrace = () => { row.n; emit('out', row); return 'x' }; row.x = 1",
        "Object.prototype.toString = null; globalThis.Object = null; Array.prototype.push = 1; row.x = 1",
        "globalThis.console = null; globalThis.state = null; return { n: { valueOf() { return 1 } } }",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
        "row.__proto__ = row; return row",
        "return Object.setPrototypeOf(row, row)",
        "return new Proxy(row, { getPrototypeOf() { throw 1 } })",
        "return new Proxy({}, { ownKeys() { return ['n'] } , get() { throw Error('no') } })",
        "emit('\\ud800', row)",
        "return { '\\ud800': 1 }",
        "row['\\ud800\\0'] = 1",
        "throw { get message() { throw 5 }, get stack() { throw 6 } }",
        "throw Object.assign(Error('x'), { stack: 'script:99999999999:1' , name: Symbol() })",
        "throw Symbol('x')",
        "const e = Error(); Object.defineProperty(e, 'message', { get() { return e.message } }); throw e",
        "Object.defineProperty(row, 'zz', { value: 1 }); return row.zz.y.y",
        "return Object.create(row).n.x.y",
        "new Function('while(0);')(); eval('1+1'); throw globalThis",
        "row.n = { valueOf: 5 }",
        "for (const k in row) row[k] = () => 1",
        "emit()",
        "new WeakRef(row).deref().n.x.y",
        "const r = new FinalizationRegistry(() => row.n); r.register({}, 1); throw 1",
    ] {
        let mut config = on_message(body);
        config["limits"] = json!({ "time": "5s" });
        let (mut operator, _) = started(&config, &orders(&["a"]).records.schema());
        for _ in 0..2 {
            let mut out = Outputs::default();
            let done = operator.process(orders(&["a", "b"]), &mut out);
            assert!(done.is_ok(), "{body}: {done:?}");
            assert_eq!(out.refused().len(), 2, "{body}: {:?}", emitted(&out));
        }
    }
}

#[test]
fn a_script_ends_with_its_stream() {
    let (mut operator, opening) =
        started(&on_message("while (true);"), &orders(&["a"]).records.schema());
    opening.stop.cancel();
    let fault = operator.process(orders(&["a"]), &mut Outputs::default()).unwrap_err();
    assert_eq!(fault.kind, weir_domain::FaultKind::Stopped);
}

#[test]
fn a_script_that_does_not_start_is_a_fault_of_the_configuration() {
    let script = "export function onInit(given) {\n  throw Error('no ' + given.table) }\n\
                  export function onMessage() {}";
    let config = json!({ "script": script, "arguments": { "table": "rates" } });
    let fault = try_run(&config, orders(&["a"])).unwrap_err();
    assert_eq!(fault.kind, weir_domain::FaultKind::Config);
    let told =
        "stage script: the script does not start: line 2, column 23 of the script: Error: no rates";
    assert_eq!(fault.message, told);
}
