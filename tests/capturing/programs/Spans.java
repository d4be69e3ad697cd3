/** Runs two methods that the tracer traces (dd.trace.methods), twice. Argument: seconds to stay. */
public class Spans {
    public static void main(String[] arguments) throws InterruptedException {
        for (int n = 0; n < 2; n++) {
            checkout(n);
        }
        Thread.sleep((long) (Double.parseDouble(arguments[0]) * 1000));
        System.out.println("application: done");
    }

    static void checkout(int n) {
        try {
            query(n);
        } catch (IllegalStateException e) {
            // The span of query has the error.
        }
    }

    static void query(int n) {
        if (n == 1) {
            throw new IllegalStateException("no such item");
        }
    }
}
