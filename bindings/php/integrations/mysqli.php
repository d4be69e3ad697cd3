<?php
/**
 * mysqli with a client span for each statement. One line at the top of a file, for objects or for functions:
 *
 *     use Spanwire\Integrations\mysqli;
 *     use function Spanwire\Integrations\{mysqli_connect, mysqli_query, mysqli_prepare, mysqli_stmt_execute};
 *
 * Without request.php as auto_prepend_file, also `require '…/integrations/mysqli.php';`. The functions take connections that
 * were made elsewhere, too.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

require_once __DIR__ . '/shared.php';

class mysqli extends \mysqli
{
    /** @internal @var array<string, string> */
    public array $spanwire_tags = [];

    public function __construct(?string $hostname = null, ?string $username = null, #[\SensitiveParameter] ?string $password = null, ?string $database = null, ?int $port = null, ?string $socket = null)
    {
        $this->spanwire_tags = tags_of_mysqli($hostname, $database, $port);
        func_num_args() === 0 ? parent::__construct() : parent::__construct($hostname, $username, $password, $database, $port, $socket);
    }

    public function real_connect(?string $hostname = null, ?string $username = null, #[\SensitiveParameter] ?string $password = null, ?string $database = null, ?int $port = null, ?string $socket = null, int $flags = 0): bool
    {
        $this->spanwire_tags = tags_of_mysqli($hostname, $database, $port);
        return parent::real_connect($hostname, $username, $password, $database, $port, $socket, $flags);
    }

    public function select_db(string $database): bool
    {
        $done = parent::select_db($database);
        if ($done) $this->spanwire_tags['db.name'] = $database;
        return $done;
    }

    #[\ReturnTypeWillChange]
    public function query(string $query, int $result_mode = MYSQLI_STORE_RESULT)
    {
        return trace_mysqli('mysqli.query', $this, $query, fn () => parent::query($query, $result_mode));
    }

    public function real_query(string $query): bool
    {
        return trace_mysqli('mysqli.real_query', $this, $query, fn () => parent::real_query($query));
    }

    public function multi_query(string $query): bool
    {
        return trace_mysqli('mysqli.multi_query', $this, $query, fn () => parent::multi_query($query));
    }

    public function execute_query(string $query, ?array $params = null): \mysqli_result|bool
    {
        return trace_mysqli('mysqli.execute_query', $this, $query, fn () => parent::execute_query($query, $params));
    }

    #[\ReturnTypeWillChange]
    public function prepare(string $query)
    {
        // mysqli reports errors of its own prepare() alone: a statement that failed is prepared again there.
        $statement = new mysqli_stmt($this, $query);
        return $statement->errno === 0 ? $statement : parent::prepare($query);
    }
}

class mysqli_stmt extends \mysqli_stmt
{
    public function __construct(private \mysqli $spanwire_mysqli, private ?string $spanwire_sql = null)
    {
        parent::__construct($spanwire_mysqli, $spanwire_sql);
    }

    public function prepare(string $query): bool
    {
        $this->spanwire_sql = $query;
        return parent::prepare($query);
    }

    public function execute(?array $params = null): bool
    {
        return trace_mysqli('mysqli_stmt.execute', $this->spanwire_mysqli, (string) $this->spanwire_sql, fn () => parent::execute($params), $this);
    }
}

/** @internal */
function tags_of_mysqli(?string $host, ?string $database, ?int $port): array
{
    return array_filter(['db.name' => $database, 'out.host' => $host, 'out.port' => $port === null ? null : (string) $port], fn ($value) => $value !== null && $value !== '');
}

/** @internal Runs a statement of this connection in a span. */
function trace_mysqli(string $name, \mysqli $link, string $sql, callable $run, ?\mysqli_stmt $statement = null): mixed
{
    $tags = ($link instanceof mysqli ? $link->spanwire_tags : []) + ['component' => 'mysqli', 'db.system' => 'mysql', 'db.engine' => 'mysql', 'db.type' => 'mysql'];
    return trace_sql($name, $sql, 'mysql', $tags, $run, fn () => $statement ? $statement->error : $link->error);
}

function mysqli_connect(?string $hostname = null, ?string $username = null, #[\SensitiveParameter] ?string $password = null, ?string $database = null, ?int $port = null, ?string $socket = null): \mysqli|false
{
    $link = new mysqli($hostname, $username, $password, $database, $port, $socket);
    return $link->connect_errno === 0 ? $link : false;
}

function mysqli_query(\mysqli $mysql, string $query, int $result_mode = MYSQLI_STORE_RESULT): \mysqli_result|bool
{
    return trace_mysqli('mysqli_query', $mysql, $query, fn () => \mysqli_query($mysql, $query, $result_mode));
}
function mysqli_prepare(\mysqli $mysql, string $query): \mysqli_stmt|false
{
    $statement = new mysqli_stmt($mysql, $query);
    return $statement->errno === 0 ? $statement : \mysqli_prepare($mysql, $query);
}
function mysqli_stmt_execute(\mysqli_stmt $statement, ?array $params = null): bool { return $statement->execute($params); }
