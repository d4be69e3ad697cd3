/** Runs two methods that the tracer traces (dd.trace.methods), twice. Arguments: seconds to stay; `on`: runs them on meanwhile. */
public class Spans {
    public static void main(String[] arguments) throws InterruptedException {
        for (int n = 0; n < 2; n++) {
            checkout(n);
        }
        long end = System.nanoTime() + (long) (Double.parseDouble(arguments[0]) * 1e9);
        boolean on = arguments.length > 1 && arguments[1].equals("on");
        while (System.nanoTime() < end) {
            Thread.sleep(Math.max(1, Math.min(500, (end - System.nanoTime()) / 1_000_000)));
            if (on) {
                checkout(0);
            }
        }
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
