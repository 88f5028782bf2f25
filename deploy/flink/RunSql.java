import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs a file of Flink SQL in this process, cluster and all: for tests, and to try a job out.
 *
 * <pre>java -cp 'JARS/*' RunSql.java [KEY=VALUE]... FILE.sql</pre>
 *
 * <p>Owns: the subset of the SQL client's language that the files beside it are written in, so that one file is
 * for both. {@code ${NAME}} is taken from the environment, as envsubst does it. {@code SET} is a setting of the
 * whole job, {@code KEY=VALUE} on the command line another that has precedence. All INSERTs are one job, whether
 * or not they stand between {@code BEGIN STATEMENT SET} and {@code END}.
 *
 * <p>Must not: listen anywhere but on the loopback address. Says {@code running} when the job has been handed to
 * the cluster and {@code finished} when a bounded one has come to its end; SIGTERM cancels an unbounded one.
 * Whatever goes wrong is told on standard error, and the status is 1.
 */
public final class RunSql {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+)}");
    private static final Pattern SET = Pattern.compile("(?is)SET\\s+'([^']+)'\\s*=\\s*'([^']*)'");
    /** What stands around INSERTs that are one job; here they always are. */
    private static final Pattern BRACKET = Pattern.compile("(?is)BEGIN\\s+STATEMENT\\s+SET|END");

    /** One small task manager, and no port that others could reach. */
    private static final Map<String, String> DEFAULTS = Map.of(
            "rest.address", "127.0.0.1",
            "rest.bind-address", "127.0.0.1",
            "rest.bind-port", "0",
            "jobmanager.bind-host", "127.0.0.1",
            "taskmanager.numberOfTaskSlots", "1",
            "parallelism.default", "1",
            "taskmanager.memory.managed.size", "32mb",
            "taskmanager.memory.network.min", "16mb",
            "taskmanager.memory.network.max", "16mb");

    private RunSql() {}

    public static void main(String[] arguments) throws Exception {
        try {
            run(arguments);
        } catch (Exception failure) {
            failure.printStackTrace();
            // Threads of the cluster may be left that would keep the process alive.
            System.exit(1);
        }
    }

    private static void run(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            throw new IllegalArgumentException("usage: RunSql.java [KEY=VALUE]... FILE.sql");
        }
        Map<String, String> settings = new TreeMap<>(DEFAULTS);
        List<String> statements = new ArrayList<>();
        for (String statement : read(Path.of(arguments[arguments.length - 1]))) {
            Matcher set = SET.matcher(statement);
            if (set.matches()) {
                settings.put(set.group(1), set.group(2));
            } else if (!BRACKET.matcher(statement).matches()) {
                statements.add(statement);
            }
        }
        for (int i = 0; i < arguments.length - 1; i++) {
            String[] setting = arguments[i].split("=", 2);
            if (setting.length != 2) {
                throw new IllegalArgumentException("not KEY=VALUE: " + arguments[i]);
            }
            settings.put(setting[0], setting[1]);
        }

        StreamTableEnvironment tables = StreamTableEnvironment.create(
                StreamExecutionEnvironment.createLocalEnvironment(Configuration.fromMap(settings)));
        StatementSet job = tables.createStatementSet();
        for (String statement : statements) {
            if (statement.regionMatches(true, 0, "INSERT", 0, "INSERT".length())) {
                job.addInsertSql(statement);
            } else {
                tables.executeSql(statement);
            }
        }
        TableResult result = job.execute();
        JobClient client = result.getJobClient().orElseThrow();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> cancel(client)));
        System.out.println("running");
        result.await();
        System.out.println("finished");
        System.exit(0);
    }

    private static void cancel(JobClient client) {
        try {
            client.cancel().join();
        } catch (RuntimeException ended) {
            // There is nothing to cancel: the process ends because the job has.
        }
    }

    /** The statements of a file, without comments, with their variables replaced. */
    private static List<String> read(Path file) throws IOException {
        List<String> statements = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        String text = Files.readString(file);
        char quote = 0;
        for (int i = 0; i < text.length(); i++) {
            char letter = text.charAt(i);
            if (quote != 0) {
                quote = letter == quote ? 0 : quote;
            } else if (letter == '\'' || letter == '`') {
                quote = letter;
            } else if (text.startsWith("--", i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
                letter = '\n';
            } else if (letter == ';') {
                add(statements, statement.toString());
                statement.setLength(0);
                continue;
            }
            statement.append(letter);
        }
        add(statements, statement.toString());
        return statements;
    }

    private static void add(List<String> statements, String statement) {
        if (!statement.isBlank()) {
            // A variable that is not set is an error and not an empty text.
            statements.add(VARIABLE.matcher(statement.strip()).replaceAll(found -> {
                String value = System.getenv(found.group(1));
                if (value == null) {
                    throw new IllegalArgumentException(found.group(1) + " is not set in the environment");
                }
                return Matcher.quoteReplacement(value);
            }));
        }
    }
}
