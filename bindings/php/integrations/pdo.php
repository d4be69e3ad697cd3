<?php
/**
 * PDO with a client span for each statement. One line at the top of a file that has `new PDO(…)`:
 *
 *     use Spanwire\Integrations\PDO;
 *
 * Without request.php as auto_prepend_file, also `require '…/integrations/pdo.php';`. The class is a PDO, which other code
 * accepts. Statements of `prepare()` are traced when they are executed, unless the program sets a statement class.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

use Spanwire\Span;

require_once __DIR__ . '/shared.php';

class PDO extends \PDO
{
    /** @var array<string, string> */
    private array $spanwire_tags;

    public function __construct(string $dsn, ?string $username = null, #[\SensitiveParameter] ?string $password = null, ?array $options = null)
    {
        parent::__construct($dsn, $username, $password, $options);
        $driver = $this->getAttribute(\PDO::ATTR_DRIVER_NAME);
        $tags = ['component' => 'pdo', 'db.system' => $driver, 'db.engine' => $driver, 'db.type' => $driver];
        // A DSN that is an alias in php.ini or a file names neither host nor database.
        $rest = str_starts_with($dsn, "$driver:") ? substr($dsn, strlen($driver) + 1) : '';
        if ($driver === 'sqlite') {
            $tags['db.name'] = basename($rest) ?: ':memory:';
        } else {
            preg_match_all('~(?:^|[;\s])\s*(host|port|dbname|charset)=([^;\s]*)~', $rest, $found, PREG_SET_ORDER);
            foreach ($found as [, $name, $value]) $tags += [['host' => 'out.host', 'port' => 'out.port', 'dbname' => 'db.name', 'charset' => 'db.charset'][$name] => $value];
        }
        $this->spanwire_tags = $tags;
    }

    public function query(string $query, ?int $fetchMode = null, mixed ...$fetchModeArgs): \PDOStatement|false
    {
        return $this->spanwire_trace('PDO.query', $query, fn () => $fetchMode === null ? parent::query($query) : parent::query($query, $fetchMode, ...$fetchModeArgs));
    }

    public function exec(string $statement): int|false
    {
        return $this->spanwire_trace('PDO.exec', $statement, function (Span $span) use ($statement): int|false {
            $rows = parent::exec($statement);
            if ($rows !== false) $span->setMetric('db.row_count', $rows);
            return $rows;
        });
    }

    public function commit(): bool
    {
        return $this->spanwire_trace('PDO.commit', 'COMMIT', fn () => parent::commit());
    }

    public function prepare(string $query, array $options = []): \PDOStatement|false
    {
        // An option of the statement, because persistent connections refuse the attribute of the connection.
        if ($this->getAttribute(\PDO::ATTR_STATEMENT_CLASS) === [\PDOStatement::class]) {
            $options += [\PDO::ATTR_STATEMENT_CLASS => [PDOStatement::class, [$this->spanwire_tags]]];
        }
        return parent::prepare($query, $options);
    }

    private function spanwire_trace(string $name, string $sql, callable $run): mixed
    {
        return trace_sql($name, $sql, $this->spanwire_tags['db.system'], $this->spanwire_tags, $run, fn () => error_of_pdo($this));
    }
}

/** A prepared statement; PDO makes it. */
class PDOStatement extends \PDOStatement
{
    /** @param array<string, string> $spanwire_tags */
    protected function __construct(private array $spanwire_tags)
    {
    }

    public function execute(?array $params = null): bool
    {
        return trace_sql('PDOStatement.execute', $this->queryString, $this->spanwire_tags['db.system'], $this->spanwire_tags, function (Span $span) use ($params): bool {
            $done = parent::execute($params);
            if ($done && $this->columnCount() === 0) $span->setMetric('db.row_count', $this->rowCount());
            return $done;
        }, fn () => error_of_pdo($this));
    }
}

/** @internal */
function error_of_pdo(\PDO|\PDOStatement $of): string
{
    [$state, , $message] = $of->errorInfo() + ['', null, null];
    return "SQLSTATE[$state] $message";
}
