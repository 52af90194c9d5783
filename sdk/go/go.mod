module chancery

go 1.19
