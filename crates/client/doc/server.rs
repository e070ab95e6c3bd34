/// A tiny server for the examples: a snapshot of two processes, a little later a change, and a
/// stream that stays open.
fn serve() -> String {
    use std::io::{Read as _, Write as _};
    const BODY: &str = concat!(
        "event: server-intent\n",
        "data: {\"payloads\":[{\"id\":\"p\",\"target\":5,\"intentCode\":\"xfer-full\",\"reason\":\"payload-missing\"}],",
        "\"highwater\":{\"version\":1,\"resumed\":false,\"heartbeat\":15000}}\n\n",
        "event: put-object\ndata: {\"kind\":\"process\",\"key\":\"1\",\"version\":1,\"object\":{\"name\":\"init\"}}\n\n",
        "event: put-object\ndata: {\"kind\":\"process\",\"key\":\"2\",\"version\":1,\"object\":{\"name\":\"sh\"}}\n\n",
        "event: payload-transferred\nid: e1.5\ndata: {\"state\":\"e1.5\",\"version\":5}\n\n",
    );
    const CHANGE: &str = concat!(
        "event: put-object\ndata: {\"kind\":\"process\",\"key\":\"2\",\"version\":2,\"object\":{\"name\":\"ps\"}}\n\n",
        "event: payload-transferred\nid: e1.6\ndata: {\"state\":\"e1.6\",\"version\":6,\"basis\":\"e1.5\"}\n\n",
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/topics/machine/stream", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
            let _ = write!(socket, "{head}{BODY}");
            std::thread::sleep(core::time::Duration::from_millis(100));
            let _ = write!(socket, "{CHANGE}");
            open.push(socket);
        }
    });
    url
}
