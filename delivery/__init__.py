"""Knows who reads: reasons in words, the workbook, the page, the audit."""
