//! The metrics endpoint.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;

use crate::fixture::{FakeEngine, get};

#[tokio::test]
async fn metrics_are_served_in_the_format_of_prometheus() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || metrics::counter!("weir_test_total").increment(3));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(weir_http_server::metrics::serve(
        (listener, None),
        (handle, Arc::new(FakeEngine::new())),
        std::future::pending(),
    ));
    let (status, content_type, text) = get(&format!("{base}/metrics")).await;
    assert_eq!((status, content_type.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "weir_test_total 3\n",
        "# TYPE weir_records_read_total counter\n",
        "weir_records_read_total{workflow=\"flights\"} ",
        "weir_stage_busy_seconds_total{workflow=\"flights\",stage=\"in\"} 24.5\n",
        "weir_workflow_state{workflow=\"weather\",state=\"failed\"} ",
        "weir_streams_total{workflow=\"flights\",outcome=\"rolledBack\"} ",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert_eq!(get(&format!("{base}/livez")).await.0, 200);
    let (status, _, refused) = get(&base).await;
    assert_eq!(status, 404);
    assert!(refused.contains("/metrics") && !refused.contains("openapi"), "{refused}");
}
