phidias_test(report/axis)
phidias_test(report/line_chart)
phidias_test(report/run_report)
