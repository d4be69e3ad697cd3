// Starts two traces of two spans each. Arguments: seconds to stay.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
)

func main() {
	stay, _ := strconv.ParseFloat(os.Args[1], 64)
	if err := tracer.Start(); err != nil {
		fmt.Println("application: tracer.Start:", err)
	}
	for i := 0; i < 2; i++ {
		root := tracer.StartSpan("checkout", tracer.ResourceName("GET /cart"), tracer.SpanType("web"))
		root.SetTag("http.method", "GET")
		root.SetTag("http.status_code", 200)
		child := root.StartChild("db.query", tracer.ResourceName("SELECT item"))
		child.SetTag("db.rows", 3)
		if i == 1 {
			child.Finish(tracer.WithError(errors.New("no such item")))
		} else {
			child.Finish()
		}
		root.Finish()
	}
	time.Sleep(time.Duration(stay * float64(time.Second)))
	tracer.Stop()
	fmt.Println("application: done")
}
