<?php
// Answers with the method and the headers of a request.
if (str_starts_with($_SERVER['REQUEST_URI'], '/missing')) http_response_code(404);
$headers = array_change_key_case(getallheaders());
echo json_encode([
    'method' => $_SERVER['REQUEST_METHOD'], 'mine' => $headers['x-mine'] ?? null, 'parent' => $headers['x-datadog-parent-id'] ?? null,
    'trace' => $headers['x-datadog-trace-id'] ?? null, 'traceparent' => $headers['traceparent'] ?? null,
]);
