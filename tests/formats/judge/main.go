// Decodes payloads with the decoders of the Datadog trace-agent and, for OTLP, of the OpenTelemetry Collector, which the
// trace-agent uses too.
//
//	judge spans v04|v05|v1|otlp FILE   prints what the payloads hold: each span as a line of JSON; for OTLP each request
//	judge time v04|v05|v1|otlp FILE    prints how much CPU time decoding takes, in nanoseconds for each span
//
// FILE has payloads, each behind its length as 4 bytes in little-endian order.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func main() {
	if len(os.Args) != 4 {
		fail("usage: judge spans|time v04|v05|v1|otlp FILE")
	}
	format, payloads := os.Args[2], read(os.Args[3])
	switch os.Args[1] {
	case "spans":
		out := bufio.NewWriter(os.Stdout)
		defer out.Flush()
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		for _, payload := range payloads {
			if format == "otlp" {
				request := decodeOtlp(payload)
				encoded, err := request.MarshalJSON()
				check(err)
				out.Write(append(encoded, '\n'))
				continue
			}
			each(decode(format, payload), func(span map[string]any) { check(encoder.Encode(span)) })
		}
	case "time":
		fmt.Printf("%.0f\n", nanoseconds(format, payloads))
	default:
		fail("judge: no such command: " + os.Args[1])
	}
}

// decode does what the receiver of the trace-agent does with a body (pkg/trace/api, decodeConvertedTracerPayload).
func decode(format string, payload []byte) *idx.InternalTracerPayload {
	decoded, err := &idx.InternalTracerPayload{}, error(nil)
	switch format {
	case "v04":
		_, err = decoded.UnmarshalMsgConverted(payload)
	case "v05":
		err = decoded.UnmarshalMsgDictionary(payload)
	case "v1":
		_, err = decoded.UnmarshalMsg(payload)
	default:
		fail("judge: no such format: " + format)
	}
	check(err)
	return decoded
}

func decodeOtlp(payload []byte) ptraceotlp.ExportRequest {
	request := ptraceotlp.NewExportRequest()
	check(request.UnmarshalProto(payload))
	return request
}

// nanoseconds returns the median of several rounds. CPU time includes that of the garbage collector's threads.
func nanoseconds(format string, payloads [][]byte) float64 {
	var rounds []float64
	for range 7 {
		spans, begin, started := 0, cpu(), time.Now()
		for time.Since(started) < 300*time.Millisecond {
			for _, payload := range payloads {
				if format == "otlp" {
					spans += decodeOtlp(payload).Traces().SpanCount()
					continue
				}
				for _, chunk := range decode(format, payload).Chunks {
					spans += len(chunk.Spans)
				}
			}
		}
		rounds = append(rounds, float64(cpu()-begin)/float64(max(spans, 1)))
	}
	slices.Sort(rounds)
	return rounds[len(rounds)/2]
}

func cpu() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func read(name string) [][]byte {
	held, err := os.ReadFile(name)
	check(err)
	var payloads [][]byte
	for len(held) >= 4 {
		length := binary.LittleEndian.Uint32(held)
		payloads = append(payloads, held[4:4+length])
		held = held[4+length:]
	}
	return payloads
}

func check(err error) {
	if err != nil {
		fail("judge: " + err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
