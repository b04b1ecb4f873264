package io.decamp.contracts.error;

/**
 * The one exception that crosses engines: says what could not be done, with the datum, and what to do about it.
 * {@link #code()} is stable and meant for programs, {@link #getMessage()} and {@link #advice()} for people.
 */
public final class DecampException extends RuntimeException {
    /** What the caller may do. */
    public enum Category {
        /** The input is wrong or not supported; nothing was changed; trying again changes nothing. */
        REFUSED,
        /** Something outside failed for now; nothing was lost; trying again may help. */
        RETRY,
        /** This migration must be given up; the workload goes on where it is. */
        ABORT,
        /** An invariant is broken; only a person can go on. */
        FATAL
    }

    private final Category category;
    private final String code;
    private final String advice;

    public DecampException(Category category, String code, String message, String advice, Throwable cause) {
        super(message, cause);
        this.category = category;
        this.code = code;
        this.advice = advice;
    }

    public static DecampException refused(String code, String message, String advice) {
        return new DecampException(Category.REFUSED, code, message, advice, null);
    }

    public static DecampException retry(String code, String message, String advice, Throwable cause) {
        return new DecampException(Category.RETRY, code, message, advice, cause);
    }

    public static DecampException abort(String code, String message, String advice, Throwable cause) {
        return new DecampException(Category.ABORT, code, message, advice, cause);
    }

    public static DecampException fatal(String code, String message, String advice, Throwable cause) {
        return new DecampException(Category.FATAL, code, message, advice, cause);
    }

    public Category category() {
        return category;
    }

    /** Kebab-case, stable: {@code workload-not-found}. */
    public String code() {
        return code;
    }

    /** The way out, a sentence. */
    public String advice() {
        return advice;
    }
}
