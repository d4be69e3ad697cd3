<?php
/**
 * Part of wordpress.php: `$wpdb` with a span for each query. The object is replaced by one of a subclass, with the same
 * connection, whatever class another drop-in has chosen.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

$database = $GLOBALS['wpdb'] ?? null;
// In wp-content/db.php, WordPress has not connected yet, and does not if there is a `$wpdb`.
$class = $database === null ? 'wpdb' : $database::class;
if (!class_exists($class) || (new \ReflectionClass($class))->isFinal()) return;
class_alias($class, __NAMESPACE__ . '\WordPressDatabaseBase');

/** @internal */
class WordPressDatabase extends WordPressDatabaseBase
{
    /** Returns a copy of this object, with its private properties. */
    public static function of(\wpdb $database): self
    {
        $copy = (new \ReflectionClass(self::class))->newInstanceWithoutConstructor();
        for ($class = $database::class; $class !== false; $class = get_parent_class($class)) {
            \Closure::bind(function () use ($database, $copy): void {
                foreach (get_object_vars($database) as $name => $value) $copy->$name = $value;
            }, null, $class)();
        }
        return $copy;
    }

    public function query($query)
    {
        $host = explode(':', (string) $this->dbhost, 2)[0];
        $tags = ['component' => 'wordpress', 'db.system' => 'mysql', 'db.engine' => 'mysql', 'db.type' => 'mysql', 'db.name' => $this->dbname, 'out.host' => $host];
        return trace_sql('wpdb.query', (string) $query, 'mysql', $tags, function (\Spanwire\Span $span) use ($query): mixed {
            $rows = parent::query($query);
            if (is_int($rows)) $span->setMetric('db.row_count', $rows);
            return $rows;
        }, fn () => $this->last_error);
    }
}

if ($database !== null) $GLOBALS['wpdb'] = WordPressDatabase::of($database);
else $GLOBALS['wpdb'] = new WordPressDatabase(DB_USER, DB_PASSWORD, DB_NAME, DB_HOST);
