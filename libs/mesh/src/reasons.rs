//! Errors that Envoy gives itself. The texts are in `deploy/envoy`, which a test
//! compares with these.

kernel::reasons! {
    MALFORMED_REQUEST: InvalidArgument, "The request is malformed.", "Send valid HTTP, and a body that is valid JSON or protobuf.";
    PATH_UNKNOWN: NotFound, "There is nothing at this path.", "Check path and method against the API reference.";
    REQUEST_TOO_SLOW: DeadlineExceeded, "The request took too long to arrive.", "Send the request within a minute.";
    RATE_LIMITED: ResourceExhausted, "Too many requests.", "Retry after a pause, with backoff; a user has 1,000 requests a minute.";
    HEADERS_TOO_LARGE: InvalidArgument, "The request has too many or too large headers.", "Send at most 100 headers and 32 KiB of them.";
}
